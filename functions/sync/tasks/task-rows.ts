/** The rows that say what has changed about a task and its rules. Pure. */
import type { KnownTask } from '../../checkpoint/known-tasks.ts';
import type { EpochMs, Rule, Task, TaskDetails } from '../../model.ts';
import { type TaskRow, taskStateColumns } from '../../warehouse/task-table.ts';

/** The columns that all rows of a run share. */
export type TaskRunColumns = Pick<TaskRow, 'workspace' | 'projectId' | 'runId'>;

/** What a run has seen of a task, what was known of it, and the rows that say how they differ. */
export interface TaskChange {
  readonly before: KnownTask | null;
  readonly after: KnownTask;
  readonly rows: readonly TaskRow[];
}

/** Returns what is new about tasks. Of two observations of a task, the later one counts. */
export function changesSince(
  known: readonly KnownTask[],
  seen: readonly KnownTask[],
  run: TaskRunColumns,
): TaskChange[] {
  const byId = new Map(known.map((one) => [one.details.id, one]));
  return seen
    .map((after) => {
      const before = byId.get(after.details.id) ?? null;
      return { before, after, rows: changedRows(before, after, run) };
    })
    .filter((change) => isLatest(change) && isNews(change));
}

/**
 * Whether no later observation is known. If another run made one in the same millisecond, rows with the same time would
 * contradict each other, so these are left to the next run.
 */
function isLatest({ before, after, rows }: TaskChange): boolean {
  const knownAtMs = before?.seenAtMs ?? 0;
  return knownAtMs < after.seenAtMs || (knownAtMs === after.seenAtMs && rows.length === 0);
}

/** Whether a row has changed, or the details were read or requested. */
function isNews({ before, after, rows }: TaskChange): boolean {
  return rows.length > 0 || after.detailsReadAtMs !== before?.detailsReadAtMs || after.failedAtMs !== before.failedAtMs;
}

/**
 * Returns a row for the task and for each rule that has changed; for a rule that is gone, its last state. Returns all
 * rows if a run was killed while it wrote the previous state.
 */
export function changedRows(before: KnownTask | null, after: KnownTask, run: TaskRunColumns): TaskRow[] {
  const known = new Map(before === null ? [] : rowsOf(before, run).map((row) => [keyOf(row), row]));
  const rows = rowsOf(after, run);
  const keys = new Set(rows.map(keyOf));
  const isUnsure = before?.writing !== undefined;
  const changed = rows.filter((row) => isUnsure || stateOf(row) !== stateOf(known.get(keyOf(row))));
  const gone = [...known.values()].filter((row) => (isUnsure || row.deletedAtMs === null) && !keys.has(keyOf(row)));
  return [
    ...changed,
    ...gone.map((row) => ({ ...row, ...run, observedAtMs: after.seenAtMs, deletedAtMs: after.seenAtMs })),
  ];
}

function rowsOf({ details, writing = [], seenAtMs, deletedAtMs }: KnownTask, run: TaskRunColumns): TaskRow[] {
  const row = (rule: Rule | null): TaskRow => ({ ...run, task: details, rule, deletedAtMs, observedAtMs: seenAtMs });
  return [row(null), ...writing.map(row), ...details.rules.map(row)];
}

function keyOf({ rule }: TaskRow): string {
  return rule === null ? 'task' : `${rule.id}/${rule.part}`;
}

function stateOf(row: TaskRow | undefined): string | null {
  return row === undefined ? null : taskStateColumns.map(({ read }) => read(row) ?? '\u0001').join('\u0000');
}

/** Returns what is known of a task that the list shows, with the details as they were last read. */
export function seenInList(task: Task, before: KnownTask | null, seenAtMs: EpochMs): KnownTask {
  const { description = null, level = null, alarmCondition = null, rules = [], extra } = before?.details ?? {};
  const details: TaskDetails = {
    ...task,
    extra: before === null || before.detailsReadAtMs === 0 ? task.extra : (extra ?? null),
    ...{ description, level, alarmCondition, rules },
  };
  return { details, detailsReadAtMs: before?.detailsReadAtMs ?? 0, seenAtMs, deletedAtMs: null };
}

/** Whether the task has changed in the list, apart from its last run. */
export function isListedAnew(task: Task, before: KnownTask): boolean {
  const of = (one: Task): string =>
    [one.name, one.categoryId, one.scheduleStatus, one.schedulePeriod, one.scheduleInterval, one.creator].join(
      '\u0000',
    );
  return before.deletedAtMs !== null || of(task) !== of(before.details);
}
