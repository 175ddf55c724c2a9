/**
 * The terms of dqsync as types: target, window, execution, observation, page.
 *
 * Imports nothing, so that every folder may import it. Ids are `bigint`, because the source's 19-digit ids do not fit a
 * JS number.
 */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

/** A half-open span `[fromMs, toMs)` of `start_time`. */
export interface Window {
  readonly fromMs: EpochMs;
  readonly toMs: EpochMs;
}

/** Restricts a target by properties that never change over an execution's life. */
export interface TargetFilter {
  readonly name?: string;
  readonly taskType?: string;
}

/** One (project, workspace) pair that is synced, with a name of its own. */
export interface Target {
  readonly name: string;
  readonly projectId: string;
  readonly workspace: string;
  readonly filter: TargetFilter;
}

/**
 * An instance at one `start_time`, as the source described it in one reply. `extra` is JSON text of undocumented
 * fields.
 */
export interface Execution {
  readonly id: bigint;
  readonly name: string | null;
  readonly taskId: bigint | null;
  readonly taskType: string | null;
  readonly runStatus: string | null;
  readonly notifyStatus: string | null;
  readonly startTimeMs: EpochMs;
  readonly endTimeMs: EpochMs | null;
  readonly extra: string | null;
}

/** One row of the table: an execution as seen at `observedAtMs`. */
export interface Observation extends Execution {
  readonly workspace: string;
  readonly projectId: string;
  readonly observedAtMs: EpochMs;
  readonly runId: string;
}

/** A row that could not be read, kept unchanged. */
export interface UnreadableRow {
  /** The row as JSON: keys sorted, numbers exactly as the source wrote them. */
  readonly rawText: string;
  /** Why it is not an execution, for example `id is not an integer: "abc"`. */
  readonly reason: string;
  /** Its start time; null if that is unreadable too. */
  readonly startTimeMs: EpochMs | null;
}

/** All documented filters of the instance list. */
export interface PageFilter extends TargetFilter {
  readonly runStatus?: string;
  readonly notifyStatus?: string;
}

/** One request to the instance list, in the API's terms. */
export interface PageRequest {
  /** Sent as `start_time`. Whether it is inclusive is not documented. */
  readonly startTimeMs: EpochMs;
  /** Sent as `end_time`. Whether it is inclusive is not documented. */
  readonly endTimeMs: EpochMs;
  readonly filter: PageFilter;
  /** Number of rows requested, 1 to 100. */
  readonly limit: number;
  /** Number of rows to skip, or of pages, depending on the source. */
  readonly offset: number;
  /** Whether a failure is probable, because a request for more rows has failed: it is then repeated only once. */
  readonly isDoubtful?: boolean | undefined;
}

/** One reply of the instance list. */
export interface Page {
  /**
   * The reply's `count`: all matches or the rows of this page, which is not documented. Null if missing or unusable.
   */
  readonly count: number | null;
  readonly executions: readonly Execution[];
  readonly unreadable: readonly UnreadableRow[];
  /** When the reply arrived, by our clock. */
  readonly receivedAtMs: EpochMs;
}

/** Requests one page. Throws a `DqsyncError`; refused arguments are a `SourceError` with `httpStatus` 400. */
export type FetchPage = (request: PageRequest) => Promise<Page>;

/** The two kinds of tasks, as named in the API. Each kind has its own list. */
export type TaskType = 'QUALITY_TASK' | 'CONSISTENCY_TASK';

/** A task as the list of tasks shows it. `extra` is JSON text of undocumented fields. */
export interface Task {
  readonly id: bigint;
  readonly type: TaskType;
  readonly name: string | null;
  readonly categoryId: bigint | null;
  readonly scheduleStatus: string | null;
  readonly schedulePeriod: string | null;
  readonly scheduleInterval: string | null;
  readonly createTimeMs: EpochMs | null;
  /** `start_time` of the task's newest instance; null if it has none. */
  readonly lastRunTimeMs: EpochMs | null;
  readonly creator: string | null;
  readonly extra: string | null;
}

/** A task with everything that its details add. */
export interface TaskDetails extends Task {
  readonly description: string | null;
  readonly level: string | null;
  readonly alarmCondition: string | null;
  readonly rules: readonly Rule[];
}

/** One rule of a task; of a comparison of two tables, one side. */
export interface Rule {
  /** Null if the source's id is unreadable. */
  readonly id: bigint | null;
  /** 0 for the first entry with this id; 1 for the second, if both sides of a comparison have the same id. */
  readonly part: number;
  /** Its position among the task's rules: `0`, or `0.1` if the source nests the sides of a comparison. */
  readonly position: string;
  readonly name: string | null;
  readonly type: string | null;
  readonly templateId: bigint | null;
  readonly dimension: string | null;
  readonly connection: string | null;
  readonly connectionType: string | null;
  readonly databases: string | null;
  readonly tables: string | null;
  readonly columns: string | null;
  readonly sql: string | null;
  readonly alarmCondition: string | null;
  readonly weight: bigint | null;
  readonly level: string | null;
  readonly extra: string | null;
}

/** The result of one rule of an execution for one object. */
export interface RuleResult {
  readonly ruleId: bigint | null;
  readonly ruleInstanceId: bigint | null;
  /** Null if the source does not say. */
  readonly alarmed: boolean | null;
  /** For example `1_database.table`. */
  readonly objectName: string | null;
  /**
   * The source's object as JSON text: its keys are labels for people, in any language. Null for a rule without an
   * object.
   */
  readonly metrics: string | null;
  readonly abnormalTableStatus: string | null;
  readonly extra: string | null;
}

/** The most rows that the source returns for one request (API reference: `limit` is at most 100). */
export const maxPageRows = 100;

/** Returns the key of an execution within its target. An instance at another `start_time` is another execution. */
export function executionKey(execution: { readonly id: bigint; readonly startTimeMs: EpochMs }): string {
  return `${execution.id}@${execution.startTimeMs}`;
}

const settledStatuses: ReadonlySet<string | null> = new Set(['SUCCESS', 'FAILED', 'ALARMING']);

/**
 * Returns whether the outcome can still change: RUNNING, SUSPENDING, UNKNOWN, an unknown status, or no end time. If the
 * end time was unreadable, only the status counts, because the execution would otherwise never close.
 */
export function isOpen({ runStatus, endTimeMs, extra }: Pick<Execution, 'runStatus' | 'endTimeMs' | 'extra'>): boolean {
  return !settledStatuses.has(runStatus) || (endTimeMs === null && !holdsEndTime(extra));
}

/** Returns whether `extra` contains an end time as the source wrote it. */
function holdsEndTime(extra: string | null): boolean {
  return extra?.includes('"end_time":') === true && Object.hasOwn(JSON.parse(extra), 'end_time');
}

/** Compares by the order of the table: start time, then id. */
export function compareExecutions(
  a: Pick<Execution, 'id' | 'startTimeMs'>,
  b: Pick<Execution, 'id' | 'startTimeMs'>,
): number {
  if (a.startTimeMs !== b.startTimeMs) {
    return a.startTimeMs - b.startTimeMs;
  }
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Receives messages for an operator. Never receives a secret. */
export type Log = (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, string | number>>) => void;
