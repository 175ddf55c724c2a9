/** `dqsync status`: how far each target is, how its last run went, what the next one will do. */
import { identityOf, loadCheckpoint } from '../../checkpoint/checkpoint-store.ts';
import { isoTime } from '../../clock.ts';
import type { Config, TargetConfig } from '../../config.ts';
import { type Connections, openConnections } from '../../connect.ts';
import { type DqsyncError, toDqsyncError } from '../../errors.ts';
import { selectTargets, settingsOf, targetOf } from '../../sync/targets.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { errorJson } from '../terminal/failure.ts';
import { writeJson, writeLine } from '../terminal/output.ts';
import { answerWithin, askSourceClock, type SourceClock } from '../terminal/source-clock.ts';
import { coverageView } from './coverage-timeline.ts';
import { describeStatus, type StatusReport } from './status-report.ts';
import { statusOf } from './target-status.ts';

/** Options of `status`. */
export interface StatusOptions {
  readonly config: string;
  readonly target: readonly string[];
  readonly json?: boolean;
}

/** How long the source may take to answer: the status itself comes from the warehouse. */
const patienceMs = 5_000;

/**
 * Shows the status of every target.
 *
 * @returns 0; 1 if a checkpoint cannot be read
 * @throws ConfigError
 */
export async function status(options: StatusOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const targets = selectTargets(config, options.target);
  const connections = await openConnections(config, () => undefined, process.env);
  const reports = await Promise.all(targets.map((target) => reportOn(config, connections, target)));
  if (options.json) {
    writeJson(reports.map(reportJson));
  } else {
    writeLine(reports.map((report) => describeStatus(report, connections.clock.now())).join('\n\n'));
  }
  return reports.some((report) => 'error' in report.status) ? 1 : 0;
}

async function reportOn(config: Config, connections: Connections, target: TargetConfig): Promise<StatusReport> {
  const settings = settingsOf(config);
  const identity = identityOf({ target: targetOf(target), settings });
  const [loaded, source] = await Promise.all([
    orError(() => loadCheckpoint(connections.store, target.name, identity), target),
    orError(() => askSoftly(connections, target), target),
  ]);
  return {
    target: target.name,
    status: 'error' in loaded ? loaded : statusOf(target.name, loaded.checkpoint, settings, connections.clock.now()),
    coverage: 'error' in loaded ? null : coverageView(loaded.checkpoint, settings.initialFromMs),
    source,
  };
}

async function askSoftly({ connect, clock }: Connections, target: TargetConfig): Promise<SourceClock> {
  const limit = answerWithin(patienceMs);
  const source = connect(target, limit.signal, () => patienceMs);
  try {
    return await askSourceClock(source, targetOf(target).filter, clock);
  } finally {
    limit.cancel();
    await source.close();
  }
}

async function orError<T>(work: () => Promise<T>, target: TargetConfig): Promise<T | { readonly error: DqsyncError }> {
  try {
    return await work();
  } catch (thrown) {
    return { error: toDqsyncError(thrown, target.name) };
  }
}

function reportJson({ target, status: known, source }: StatusReport): Readonly<Record<string, unknown>> {
  return {
    ...('error' in known ? { target, error: errorJson(known.error) } : known),
    source:
      'error' in source
        ? { error: errorJson(source.error) }
        : {
            clockSkewMs: source.skewMs,
            futureRows: source.futureRows,
            mayBeMore: source.mayBeMore,
            latestStart: source.latestStartMs === null ? null : isoTime(source.latestStartMs),
          },
  };
}
