/**
 * The simulated source in its own process, so that its work is not counted as ours. Messages add rows to it and return
 * its counters; it ends with its parent.
 */
import type { EpochMs } from '../../functions/model.ts';
import type { ManyExecutions } from '../simulator/life-cycle.ts';
import { type Simulator, startSimulator } from '../simulator/server.ts';
import type { Traps } from '../simulator/traps.ts';

/** Rows and traps of the source. */
export interface SourceSpec extends Pick<ManyExecutions, 'fromMs' | 'toMs' | 'peaks' | 'perSecond'> {
  readonly rows: number;
  /** Share of the rows that are run again hours after their creation. */
  readonly rerunShare?: number;
  /** Whether the quota is the real one, 40 requests per 10 s. */
  readonly throttled: boolean;
  readonly traps: Pick<Partial<Traps>, 'latencyMs' | 'order' | 'count' | 'deleteEveryNthRequest'>;
}

/** What the source has counted since the last message. */
export interface Measurements {
  readonly requests: number;
  readonly throttled: number;
  /** The time of arrival of each request. */
  readonly arrivalsMs: readonly EpochMs[];
}

export type Question =
  | { readonly ask: 'start'; readonly spec: SourceSpec }
  /** Adds running executions, one a second from `fromMs`. */
  | { readonly ask: 'open'; readonly count: number; readonly fromMs: EpochMs }
  /** Ends all running executions. */
  | { readonly ask: 'finish' }
  | { readonly ask: 'measurements' };
export type Answer = { readonly url: string } | { readonly added: number } | { readonly measurements: Measurements };

let simulator: Simulator | undefined;
let running: bigint[] = [];

process.on('message', (question: Question) => void answer(question).then((reply) => process.send?.(reply)));
process.on('disconnect', () => process.exit());

async function answer(question: Question): Promise<Answer> {
  if (question.ask === 'start') {
    const { spec } = question;
    simulator = await startSimulator({
      traps: spec.traps,
      ...(spec.throttled ? { quota: { requests: 40, perSeconds: 10 } } : {}),
    });
    const rerun = Math.round(spec.rows * (spec.rerunShare ?? 0));
    simulator.life.addMany(spec.rows - rerun, spec);
    if (rerun > 0) {
      simulator.life.addMany(rerun, { ...spec, creationSpreadMs: 5 * 3_600_000 });
    }
    return { url: simulator.url };
  }
  if (question.ask === 'open') {
    running = Array.from({ length: question.count }, (_, index) => {
      const startTimeMs = Math.ceil(question.fromMs / 1000) * 1000 + index * 1000;
      return simulator?.life.addExecution({ startTimeMs, runStatus: 'RUNNING', endTimeMs: null }).id ?? 0n;
    });
    return { added: running.length };
  }
  if (question.ask === 'finish') {
    for (const id of running) {
      simulator?.life.finish(id);
    }
    return { added: 0 };
  }
  const { counters } = simulator ?? (await startSimulator());
  const measurements = {
    requests: counters.instances,
    throttled: counters.throttled,
    arrivalsMs: [...counters.arrivalsMs],
  };
  counters.reset();
  return { measurements };
}
