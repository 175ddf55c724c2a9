/** One execution over time. Its state at an instant is a pure function of its timeline. */
import type { EpochMs } from '../../functions/model.ts';

/** The changeable part of an execution, in force from `atMs`. */
export interface State {
  readonly atMs: EpochMs;
  readonly runStatus: string;
  readonly notifyStatus: string | null;
  readonly endTimeMs: EpochMs | null;
}

/** The part of an execution that its task determines, with the JSON text that rows are made from. */
export interface Task {
  readonly taskId: string;
  readonly name: string;
  readonly taskType: string;
  /** `"name":…,"task_id":…,"task_type":…`, made once per task. */
  readonly membersText: string;
  /** Time between its runs; null if it is not scheduled. */
  readonly everyMs: number | null;
}

/** A row of the source: an execution or an unreadable row. */
export interface Entry {
  readonly idText: string;
  readonly startTimeMs: EpochMs;
  readonly task: Task;
  /** Ordered by `atMs`; the first is in force from the beginning. */
  states: readonly State[];
  /** The time from which it is listed. */
  readonly visibleAtMs: EpochMs;
  /** The time from which it is no longer listed; Infinity if it stays. */
  goneAtMs: EpochMs;
  goneBecause: 'rerun' | 'removed' | null;
  /** The text of an unreadable row; null for an execution. */
  readonly rawText: string | null;
  /** Whether a complete reply has contained it. */
  served: boolean;
}

/** Makes a task; the name may be any text. */
export function makeTask(taskId: string, name: string, taskType: string, everyMs: number | null = null): Task {
  const membersText = `"name":${JSON.stringify(name)},"task_id":${taskId},"task_type":${JSON.stringify(taskType)}`;
  return { taskId, name, taskType, membersText, everyMs };
}

/** Makes an entry that stays listed. If it is to vanish, set `goneAtMs` before it is added to a listing. */
export function makeEntry(
  fields: Pick<Entry, 'idText' | 'startTimeMs' | 'task' | 'states' | 'visibleAtMs'> & { readonly rawText?: string },
): Entry {
  return {
    idText: fields.idText,
    startTimeMs: fields.startTimeMs,
    task: fields.task,
    states: fields.states,
    visibleAtMs: fields.visibleAtMs,
    goneAtMs: Number.POSITIVE_INFINITY,
    goneBecause: null,
    rawText: fields.rawText ?? null,
    served: false,
  };
}

/** Returns the state in force at `nowMs`. */
export function stateAt(entry: Entry, nowMs: EpochMs): State {
  const { states } = entry;
  let index = states.length - 1;
  while (index > 0 && (states[index] as State).atMs > nowMs) {
    index -= 1;
  }
  return states[index] as State;
}

/** Applies `change` from `nowMs`, and drops later states. */
export function changeState(entry: Entry, nowMs: EpochMs, change: Partial<Omit<State, 'atMs'>>): void {
  const current = stateAt(entry, nowMs);
  const past = entry.states.filter((state, index) => index === 0 || state.atMs <= nowMs);
  entry.states = [...past, { ...current, ...change, atMs: Math.max(nowMs, current.atMs) }];
}

/** The source's spelling of the notification field. */
export type NotifySpelling = 'notity' | 'notify' | 'both';

/** Returns the row as JSON text. `extraFields` is JSON text of further members, or null. */
export function rowText(entry: Entry, nowMs: EpochMs, spelling: NotifySpelling, extraFields: string | null): string {
  if (entry.rawText !== null) {
    return entry.rawText;
  }
  const state = stateAt(entry, nowMs);
  const notify = state.notifyStatus === null ? 'null' : `"${state.notifyStatus}"`;
  const notifyMembers =
    spelling === 'notity'
      ? `"notity_status":${notify}`
      : spelling === 'notify'
        ? `"notify_status":${notify}`
        : `"notity_status":${notify},"notify_status":${notify}`;
  const extra = extraFields === null ? '' : `,${extraFields}`;
  return `{"id":${entry.idText},${entry.task.membersText},"run_status":"${state.runStatus}",${notifyMembers},"start_time":${entry.startTimeMs},"end_time":${state.endTimeMs}${extra}}`;
}
