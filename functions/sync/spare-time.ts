/** What a run does for a target once all executions are synced: it fetches rule results, then fills gaps in coverage. */
import { recordRun } from '../checkpoint/run-history.ts';
import { isoTime } from '../clock.ts';
import type { Window } from '../model.ts';
import { runBackfill } from './backfill.ts';
import { addCounters, summaryCounters } from './counters.ts';
import type { ResultsBacklog } from './results/backlog.ts';
import { fetchResults } from './results/fetch-results.ts';
import { endedRecord, type RecordedTask } from './run-record.ts';
import { type TargetOutcome, withGapsFilled } from './summary.ts';
import type { TargetRun } from './target-run.ts';

/** A target whose executions are synced, and what may follow in the time left. */
export interface SyncedTarget {
  readonly outcome: TargetOutcome;
  /** The results to fetch; null if none are fetched. */
  readonly backlog: ResultsBacklog | null;
  /** Gaps in coverage that a sync leaves; none if the run was of another mode, or did not finish. */
  readonly gaps: readonly Window[];
  /** What the history has of the run; null if it was not started. */
  readonly task: RecordedTask | null;
}

/** Whether something follows. */
export function hasMore({ backlog, gaps }: Pick<SyncedTarget, 'backlog' | 'gaps'>): boolean {
  return backlog !== null || gaps.length > 0;
}

/** A run that reads more rows than this is catching up. */
const manyRows = 2_000;
/**
 * A run that is catching up fetches the results of this many executions: 25 s at the documented quota. Later runs do
 * the rest.
 */
const resultsBesideManyRows = 100;

/**
 * Fetches rule results of a target. Returns the outcome with what that added.
 *
 * @param canWait whether a run that is catching up leaves most results to later runs
 */
export async function fetchResultsOf(
  run: TargetRun,
  { outcome, task }: SyncedTarget,
  backlog: ResultsBacklog,
  canWait: boolean,
): Promise<TargetOutcome> {
  const isCatchingUp = canWait && outcome.summary.rowsRead > manyRows;
  const most = isCatchingUp ? resultsBesideManyRows : Number.POSITIVE_INFINITY;
  const counters = { ...outcome.counters, ...(await fetchResults(run, backlog, most)) };
  addCounters(counters, run.source.stats());
  const both = { ...outcome, counters, summary: { ...outcome.summary, ...summaryCounters(counters) } };
  if (task !== null && counters.results > 0) {
    await recordRun(run, endedRecord(task, both, run.clock.now()));
  }
  return both;
}

/**
 * Fills the gaps of a target. Returns the outcome with what that added. A failure does not fail the run, because the
 * table stays as complete as before.
 */
export async function fillGapsOf(run: TargetRun, synced: SyncedTarget): Promise<TargetOutcome> {
  const { gaps, task, backlog, outcome } = synced;
  const window = { fromMs: gaps[0]?.fromMs ?? 0, toMs: gaps.at(-1)?.toMs ?? 0 };
  const filling: TargetRun = { ...run, beforeCheckpoint: (rows) => backlog?.note(run, rows) };
  const filled = await runBackfill(filling, { window, again: false }, 'incremental');
  if (filled.error !== null) {
    const span = { from: isoTime(window.fromMs), to: isoTime(window.toMs) };
    const fields = { target: run.target.name, gaps: gaps.length, ...span };
    run.log('warn', `gaps in coverage could not be filled: ${filled.error.message}; a later run tries again`, fields);
  }
  const merged = withGapsFilled(outcome, filled);
  const both = { ...merged, counters: { ...merged.counters, ...backlog?.counters(run.clock.now()) } };
  if (task !== null) {
    await recordRun(filling, endedRecord(task, both, run.clock.now()));
  }
  return both;
}
