/** Hourly syncs in virtual time, while the source changes, requests fail, and a backfill runs now and then. */
import type { Summary } from '../../../functions/sync/summary.ts';
import type { Fault, FaultKind } from '../../simulator/faults.ts';
import { dayMs, hourMs, openProofWorld, type ProofWorld } from '../proof-world.ts';
import { endQuietly } from '../quiet-end.ts';
import { heapInUse } from './heap.ts';

/** Figures of a series of hourly syncs. */
export interface EnduranceFigures {
  readonly syncs: number;
  /** Syncs that failed because of failed requests. */
  readonly failed: number;
  readonly backfills: number;
  /** Executions that the source listed at the end. */
  readonly executions: number;
  /** Observations in all files. */
  readonly rows: number;
  /** Median of the requests of an hourly sync. */
  readonly medianRequests: number;
  readonly largestCheckpointBytes: number;
  /** Heap in use after an eighth of the syncs, and at the end, each after a garbage collection. */
  readonly heapBytes: readonly [number, number];
  /** Violations, as text. */
  readonly problems: readonly string[];
}

/** One request in fifty fails, in one of these ways. */
const kinds: readonly FaultKind[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 429 },
  { kind: 'reset' },
  { kind: 'truncate' },
  { kind: 'bad-json' },
  { kind: 'empty-page' },
  { kind: 'short-page', rows: 7 },
  { kind: 'revoke-tokens' },
];
const faults = (): Fault[] => kinds.map((kind) => ({ ...kind, when: { chance: 0.02 / kinds.length } }));

/** Runs `syncs` hourly syncs, or fewer if `isOver` returns true. */
export async function hourlySyncs(
  syncs: number,
  seed: number,
  isOver = (): boolean => false,
): Promise<EnduranceFigures> {
  const history = { days: 10, aheadDays: syncs / 24 + 1, tasks: 40 };
  const world = await openProofWorld({ seed, history, config: { maxOpenDays: 7 } });
  const { simulator, clock, random, auditor } = world;
  const summaries: Summary[] = [];
  let backfills = 0;
  let heapBefore = 0;
  const traps = { order: 'unstable-ties', faults: faults() } as const;
  try {
    for (let n = 0; n < syncs && !isOver(); n += 1) {
      Object.assign(simulator.traps, traps);
      summaries.push(await world.run());
      if (random.chance(0.05)) {
        backfills += 1;
        await backfillSomeDay(world);
      }
      if (n === Math.max(2, Math.floor(syncs / 8))) {
        heapBefore = heapInUse();
      }
      clock.advance(hourMs);
    }
    const heapAfter = heapInUse();
    // A series that was over before an eighth has no earlier figure to compare with.
    const heapBytes = [heapBefore === 0 ? heapAfter : heapBefore, heapAfter] as const;
    const problems = await endQuietly(world);
    return {
      syncs: summaries.length,
      failed: summaries.filter(({ done }) => !done).length,
      backfills,
      executions: simulator.truth().executions.length,
      rows: auditor.rows,
      medianRequests: median(summaries.map(({ requests }) => requests)),
      largestCheckpointBytes: auditor.largestCheckpoint,
      heapBytes,
      problems,
    };
  } finally {
    await world.close();
  }
}

async function backfillSomeDay(world: ProofWorld): Promise<void> {
  const { clock, random } = world;
  const fromMs = clock.now() - random.between(1, 9) * dayMs;
  const window = { fromMs, toMs: fromMs + random.between(1, 30) * hourMs };
  await world.run({ backfill: { window, again: random.chance(0.3) } });
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
