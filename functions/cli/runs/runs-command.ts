/** `dqsync runs`: shows the last runs of each target, local and deployed. */
import type { LastRun } from '../../checkpoint/checkpoint.ts';
import { loadCheckpoint } from '../../checkpoint/checkpoint-store.ts';
import { loadRuns, type RunRecord } from '../../checkpoint/run-history.ts';
import { isoTime, parseTime, shortDuration } from '../../clock.ts';
import type { TargetConfig } from '../../config.ts';
import { StateError } from '../../errors.ts';
import { settingsOf, targetOf } from '../../sync/targets.ts';
import { count, counted, paragraph, shortTime } from '../terminal/formats.ts';
import { type OpenTargets, openTargets, type TargetOptions } from '../terminal/open-targets.ts';
import { paint, writeResult } from '../terminal/output.ts';
import { type Cell, renderTable } from '../terminal/table.ts';
import { timeCell } from '../terminal/table-times.ts';

interface RunsOptions extends TargetOptions {
  readonly limit: number;
  readonly vertical?: boolean;
}

/** A run that only the checkpoint knows: it has committed, but was killed before it could record itself. */
type UnrecordedRun = ReturnType<typeof unrecordedRun>;

interface TargetRuns {
  readonly target: string;
  /** Newest first. */
  readonly runs: readonly (RunRecord | UnrecordedRun)[];
}

/**
 * Shows the last runs.
 *
 * @throws ConfigError, StorageError
 */
export async function runs(options: RunsOptions): Promise<number> {
  const opened = await openTargets(options);
  const found: TargetRuns[] = [];
  for (const target of opened.targets) {
    found.push({ target: target.name, runs: await runsOf(opened, target) });
  }
  writeResult(
    options,
    found.map((one) => ({ target: one.target, runs: one.runs.slice(0, options.limit) })),
    () => found.map((one) => describeRuns(one, options)).join('\n\n'),
  );
  return 0;
}

async function runsOf({ config, store }: OpenTargets, target: TargetConfig): Promise<TargetRuns['runs']> {
  // The checkpoint first, because a run in progress replaces it before it records itself.
  const lastRun = await lastRunOf({ store, target: targetOf(target), settings: settingsOf(config) });
  const recorded: TargetRuns['runs'] = (await loadRuns(store, target.name)).toReversed();
  if (lastRun === null || recorded.some(({ runId }) => runId === lastRun.runId)) {
    return recorded;
  }
  const unrecorded = unrecordedRun(lastRun);
  // A maintenance that commits nothing may have followed. ISO instants sort by time.
  const later = recorded.filter(({ startedAt }) => startedAt > unrecorded.startedAt).length;
  return recorded.toSpliced(later, 0, unrecorded);
}

/** Returns the last run of the checkpoint; null without one, or if it cannot be read, which `status` reports. */
async function lastRunOf(reader: Parameters<typeof loadCheckpoint>[0]): Promise<LastRun | null> {
  try {
    return (await loadCheckpoint(reader)).checkpoint.lastRun;
  } catch (thrown) {
    if (thrown instanceof StateError) {
      return null;
    }
    throw thrown;
  }
}

function unrecordedRun({ runId, mode, outcome, startedAtMs, committedAtMs, rowsWritten, error }: LastRun) {
  return {
    ...{ runId, mode, outcome, startedAt: isoTime(startedAtMs) },
    endedAt: outcome === 'running' ? null : isoTime(committedAtMs),
    ...{ from: null, to: null, rowsRead: null, rowsWritten, requests: null, error },
  };
}

const headings = ['started', 'mode', 'window', 'rows', 'new', 'requests', 'time', 'outcome'];

function describeRuns({ target, runs: all }: TargetRuns, { limit, vertical }: RunsOptions): string {
  if (all.length === 0) {
    return `${paint.bold(target)}  no runs yet`;
  }
  const shown = all.slice(0, limit);
  const howMany =
    shown.length < all.length
      ? `the last ${count(shown.length)} of ${counted(all.length, 'run')}; all with --limit ${all.length}`
      : counted(all.length, 'run');
  const failures = shown.filter(({ error }) => error !== null);
  return [
    `${paint.bold(target)}  ${howMany}`,
    renderTable(headings, shown.map(cellsOf), { isVertical: vertical }),
    ...failures.map(({ startedAt, error }) => `${paint.red('✗')} ${shortTime(startedAt)}  ${paragraph(error ?? '')}`),
  ].join('\n');
}

function cellsOf(run: RunRecord | UnrecordedRun): Cell[] {
  const { startedAt, mode, rowsRead, rowsWritten, requests, outcome } = run;
  return [
    timeCell(startedAt),
    // Shown by the name of its command.
    mode === 'incremental' ? 'sync' : mode,
    between(run.from, run.to),
    rowsRead,
    rowsWritten,
    requests,
    between(startedAt, run.endedAt),
    outcome === 'running' ? 'killed?' : outcome === 'done' && requests === null ? 'done?' : outcome,
  ];
}

function between(from: string | null, to: string | null): string | null {
  const fromMs = from === null ? null : parseTime(from);
  const toMs = to === null ? null : parseTime(to);
  return fromMs === null || toMs === null ? null : shortDuration(toMs - fromMs);
}
