/** Derives changes in the last outcomes of tasks from the rows of a commit. Pure. */
import type { LastOutcome, LastOutcomes, PendingChange } from '../../checkpoint/last-outcomes.ts';
import type { EpochMs, Observation } from '../../model.ts';
import type { Outcome } from '../../streaks.ts';

/** The changes of one target, as they are announced. */
export interface OutcomeChanges {
  readonly target: string;
  readonly workspace: string;
  readonly projectId: string;
  readonly runId: string;
  readonly changes: readonly PendingChange[];
}

/** Announces changes. Resolves when all of them were handed over; rejects when `signal` aborts before that. */
export type Announce = (changes: OutcomeChanges, signal: AbortSignal) => Promise<void>;

/** What a run's finished executions say about the data. */
export interface OutcomeCounts {
  passed: number;
  alarms: number;
  failed: number;
  /** Alarms without a delivered notification, as of when they were first seen. */
  silent: number;
  /** Tasks that began to fail, and those that pass again. */
  newlyFailing: number;
  recovered: number;
}

/** The same, and the tasks whose last execution, of the last 30 days, did not succeed. */
export interface Quality extends Readonly<OutcomeCounts> {
  readonly failingNow: number;
}

const outcomes: ReadonlyMap<string | null, Outcome> = new Map([
  ['SUCCESS', 'SUCCESS'],
  ['ALARMING', 'ALARMING'],
  ['FAILED', 'FAILED'],
]);

/**
 * Returns the outcomes after some rows, which must be in order of start time and id; the same object if nothing
 * changes. Adds to `counts`.
 *
 * Each execution counts once, unless it is of the history that a first sync reads. Only settled executions count, and
 * only if they started after the task's last one. An execution that is seen again, for example with another
 * notification status, or that appeared late is not a change.
 */
export function withRows(before: LastOutcomes, rows: readonly Observation[], counts: OutcomeCounts): LastOutcomes {
  const { announceFromMs } = before;
  const tasks = new Map(before.tasks);
  const pending = new Map(before.pending.map((change) => [change.id, change]));
  let isChanged = false;
  for (const row of rows) {
    const outcome = outcomes.get(row.runStatus);
    const key = row.taskId === null ? `name:${row.name ?? ''}` : String(row.taskId);
    const last = tasks.get(key);
    if (outcome === undefined || (last !== undefined && !isAfter(row, last))) {
      continue;
    }
    const next = followedBy(last, row, outcome);
    tasks.set(key, next);
    isChanged = true;
    count(counts, announceFromMs, last, next, row);
    const id = `${key}:${next.firstId}@${next.sinceMs}`;
    const announced = pending.get(id);
    if (announced !== undefined) {
      pending.set(id, { ...announced, inARow: next.runs });
    } else if (isNews(last, next) && row.startTimeMs >= announceFromMs) {
      pending.set(id, changeOf(id, row, last, next));
    }
  }
  return isChanged ? { ...before, tasks, pending: [...pending.values()] } : before;
}

function count(
  counts: OutcomeCounts,
  fromMs: EpochMs,
  last: LastOutcome | undefined,
  { outcome }: LastOutcome,
  { notifyStatus, startTimeMs }: Observation,
): void {
  if (startTimeMs < fromMs) {
    return;
  }
  const wasFailing = last !== undefined && last.outcome !== 'SUCCESS';
  const isFailing = outcome !== 'SUCCESS';
  counts.passed += isFailing ? 0 : 1;
  counts.alarms += outcome === 'ALARMING' ? 1 : 0;
  counts.failed += outcome === 'FAILED' ? 1 : 0;
  counts.silent += outcome === 'ALARMING' && notifyStatus !== 'SUCCESS' ? 1 : 0;
  counts.newlyFailing += isFailing && !wasFailing ? 1 : 0;
  counts.recovered += !isFailing && wasFailing ? 1 : 0;
}

function isAfter({ startTimeMs, id }: Observation, { lastMs, lastId }: LastOutcome): boolean {
  return startTimeMs > lastMs || (startTimeMs === lastMs && id > BigInt(lastId));
}

function followedBy(last: LastOutcome | undefined, { id, startTimeMs }: Observation, outcome: Outcome): LastOutcome {
  const seen = { lastMs: startTimeMs, lastId: String(id) };
  return last?.outcome === outcome
    ? { ...last, ...seen, runs: last.runs + 1 }
    : { outcome, sinceMs: startTimeMs, firstId: String(id), ...seen, runs: 1 };
}

/** An unknown task has changed only if it fails. A new task that passes is not a change. */
function isNews(last: LastOutcome | undefined, next: LastOutcome): boolean {
  return last === undefined ? next.outcome !== 'SUCCESS' : last.outcome !== next.outcome;
}

function changeOf(
  id: string,
  { taskId, name }: Observation,
  last: LastOutcome | undefined,
  { outcome, sinceMs, runs, firstId }: LastOutcome,
): PendingChange {
  return {
    id,
    taskId: taskId === null ? null : String(taskId),
    name: name ?? '',
    from: last?.outcome ?? null,
    to: outcome,
    sinceMs,
    inARow: runs,
    executionId: firstId,
  };
}
