/** What the rows of a commit change in the last outcomes of tasks. Pure. */
import type { LastOutcome, LastOutcomes, PendingChange } from '../checkpoint/last-outcomes.ts';
import type { Observation } from '../model.ts';
import type { Outcome } from '../streaks.ts';

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

const outcomes: ReadonlyMap<string | null, Outcome> = new Map([
  ['SUCCESS', 'SUCCESS'],
  ['ALARMING', 'ALARMING'],
  ['FAILED', 'FAILED'],
]);

/**
 * Returns the outcomes after some rows, which are in order of start time and id; the same object if they change nothing.
 *
 * Only settled executions count, and only those that started after the task's last one: one that is seen again, with
 * another notification for example, is no news, and neither is one that appeared late.
 */
export function withRows(before: LastOutcomes, rows: readonly Observation[]): LastOutcomes {
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
    const id = `${key}:${next.firstId}@${next.sinceMs}`;
    const announced = pending.get(id);
    if (announced !== undefined) {
      pending.set(id, { ...announced, inARow: next.runs });
    } else if (isNews(last, next) && row.startTimeMs >= before.announceFromMs) {
      pending.set(id, changeOf(id, row, last, next));
    }
  }
  return isChanged ? { ...before, tasks, pending: [...pending.values()] } : before;
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

/** A task that is not known has changed only if it fails: that a new one passes is no news. */
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
