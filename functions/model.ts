/**
 * The words of dqsync as types: target, window, execution, observation, page.
 *
 * Imports nothing, so that every folder may import it. Ids are `bigint` throughout: the source's ids have 19 digits
 * and do not fit a JS number.
 */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

/** A half-open span `[fromMs, toMs)` of `start_time`. */
export interface Window {
  readonly fromMs: EpochMs;
  readonly toMs: EpochMs;
}

/** What may narrow a target: only properties that never change over an execution's life. */
export interface TargetFilter {
  readonly name?: string;
  readonly taskType?: string;
}

/** One (project, workspace) pair that is synced, under a name of its own. */
export interface Target {
  readonly name: string;
  readonly projectId: string;
  readonly workspace: string;
  readonly filter: TargetFilter;
}

/** An instance at one `start_time`, as the source described it in one reply. `extra` is JSON text of undocumented fields. */
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

/** One row of the table: an execution as we saw it at `observedAtMs`. */
export interface Observation extends Execution {
  readonly workspace: string;
  readonly projectId: string;
  readonly observedAtMs: EpochMs;
  readonly runId: string;
}

/** A row that could not be read, kept whole. */
export interface UnreadableRow {
  /** The row as JSON: keys sorted, numbers exactly as the source wrote them. */
  readonly rawText: string;
  /** Why it is not an execution, for example `id is not an integer: "abc"`. */
  readonly reason: string;
  /** When it started; null where that cannot be read either. */
  readonly startTimeMs: EpochMs | null;
}

/** Every documented filter of the instance list. */
export interface PageFilter extends TargetFilter {
  readonly runStatus?: string;
  readonly notifyStatus?: string;
}

/** One request to the instance list, in the words of its API. */
export interface PageRequest {
  /** Sent as `start_time`. The source may count it as inside or outside. */
  readonly startTimeMs: EpochMs;
  /** Sent as `end_time`. The source may count it as inside or outside. */
  readonly endTimeMs: EpochMs;
  readonly filter: PageFilter;
  /** Rows asked for, 1 to 100. */
  readonly limit: number;
  /** In rows or in pages, as the source counts it. */
  readonly offset: number;
}

/** One reply of the instance list. */
export interface Page {
  /** The reply's `count` (total matched, or rows of this page: undocumented); null where there was no usable one. */
  readonly count: number | null;
  readonly executions: readonly Execution[];
  readonly unreadable: readonly UnreadableRow[];
  /** When the reply had arrived, on our clock. */
  readonly receivedAtMs: EpochMs;
}

/** Gets one page. Throws a `DqsyncError`; a refusal of the arguments is a `SourceError` with `httpStatus` 400. */
export type FetchPage = (request: PageRequest) => Promise<Page>;

/** The most rows the source returns for one request (API reference: limit, at most 100). */
export const maxPageRows = 100;

/** Identifies an execution within its target: the same instance at another `start_time` is another execution. */
export function executionKey(execution: { readonly id: bigint; readonly startTimeMs: EpochMs }): string {
  return `${execution.id}@${execution.startTimeMs}`;
}

const settledStatuses: ReadonlySet<string | null> = new Set(['SUCCESS', 'FAILED', 'ALARMING']);

/**
 * Whether the outcome can still change: RUNNING, SUSPENDING, UNKNOWN, a status we do not know, or no end time. One whose end
 * time was not readable is judged by its status alone: it would stay open for ever.
 */
export function isOpen({ runStatus, endTimeMs, extra }: Pick<Execution, 'runStatus' | 'endTimeMs' | 'extra'>): boolean {
  return !settledStatuses.has(runStatus) || (endTimeMs === null && !holdsEndTime(extra));
}

/** Whether `extra` keeps an end time as the source wrote it. */
function holdsEndTime(extra: string | null): boolean {
  return extra?.includes('"end_time":') === true && Object.hasOwn(JSON.parse(extra), 'end_time');
}

/** Table order: by start time, then id. */
export function compareExecutions(
  a: Pick<Execution, 'id' | 'startTimeMs'>,
  b: Pick<Execution, 'id' | 'startTimeMs'>,
): number {
  if (a.startTimeMs !== b.startTimeMs) {
    return a.startTimeMs - b.startTimeMs;
  }
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Hears what an operator may want to know. Never gets a secret. */
export type Log = (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, string | number>>) => void;
