/** What is known of the tasks of a workspace: the document, and how it changes. Pure. */
import * as z from 'zod';
import type { EpochMs, TaskDetails } from '../model.ts';
import { tasksKey } from '../warehouse/layout.ts';
import type { DocumentKind } from './state-document.ts';
import { storedId as id, jsonLines, list } from './stored-json.ts';

/** A deleted task is forgotten after this long. Its rows stay in the table. */
const deletedMemoryMs = 90 * 86_400_000;

const text = z.string().nullable();
const ms = z.int();
const rule = z.object({
  ...{ id: id.nullable(), part: z.int(), position: z.string(), name: text, type: text, templateId: id.nullable() },
  ...{ dimension: text, connection: text, connectionType: text, databases: text, tables: text, columns: text },
  ...{ sql: text, alarmCondition: text, weight: id.nullable(), level: text, extra: text },
});
const details: z.ZodType<TaskDetails> = z.object({
  ...{ id, type: z.enum(['QUALITY_TASK', 'CONSISTENCY_TASK']), name: text, categoryId: id.nullable() },
  ...{ scheduleStatus: text, schedulePeriod: text, scheduleInterval: text, createTimeMs: ms.nullable() },
  ...{ lastRunTimeMs: ms.nullable(), creator: text, extra: text, description: text, level: text, alarmCondition: text },
  rules: z.array(rule),
});
const knownTask = z.object({
  details,
  /** When the details were read; 0 if only the list is known. */
  detailsReadAtMs: ms,
  /** When the source last failed to return the details; absent if it has not since they were read. */
  failedAtMs: ms.optional(),
  /** When it was last seen, or found to be gone. Of two runs, the later one knows better. */
  seenAtMs: ms,
  deletedAtMs: ms.nullable(),
  /**
   * Rules that the table may hold beside those in `details`, while a run writes the rows of this state; absent once it
   * has. A run that is killed in between leaves it.
   */
  writing: z.array(rule).optional(),
});

/** A task as it was last written, or is being written. */
export type KnownTask = Readonly<z.output<typeof knownTask>>;

/**
 * Returns the document as stored. Ids are text. All targets of a workspace share it, because each of them observes all
 * tasks, whatever its filter. With its own document, a target would repeat old details after another has written newer
 * ones.
 */
export function knownTasksKind(place: Parameters<typeof tasksKey>[0]): DocumentKind<readonly KnownTask[]> {
  return {
    key: tasksKey(place),
    schema: z
      .object({ format: z.literal('dqsync.tasks'), version: z.literal(1), tasks: list(knownTask) })
      .transform(({ tasks }) => tasks),
    empty: [],
    encode: (tasks) => `{"format":"dqsync.tasks","version":1,"tasks":${jsonLines(tasks)}}\n`,
  };
}

/** Returns what is known of a task before its rows are written: they may get into the table, or only some of them. */
export function beingWritten(before: KnownTask | null, after: KnownTask): KnownTask {
  const rules = [...(before?.writing ?? []), ...(before?.details.rules ?? [])];
  // Each rule once, so that a run that is killed again and again does not make the document grow.
  return { ...after, writing: [...new Map(rules.map((each) => [`${each.id}/${each.part}`, each])).values()] };
}

/** Replaces what is known of tasks. Returns its argument if nothing changes. */
export function withTasks(
  before: readonly KnownTask[],
  changed: readonly KnownTask[],
  nowMs: EpochMs,
): readonly KnownTask[] {
  if (changed.length === 0) {
    return before;
  }
  const byId = new Map([...before, ...changed].map((task) => [task.details.id, task]));
  const isRemembered = ({ deletedAtMs }: KnownTask): boolean =>
    deletedAtMs === null || deletedAtMs > nowMs - deletedMemoryMs;
  return [...byId.values()].filter(isRemembered);
}

/** Removes the marks of tasks whose rows a run has written, unless another run has marked them since. */
export function withoutMarks(before: readonly KnownTask[], written: readonly KnownTask[]): readonly KnownTask[] {
  const seenAtMs = new Map(written.map((task) => [task.details.id, task.seenAtMs]));
  return before.map((task) =>
    seenAtMs.get(task.details.id) === task.seenAtMs ? { ...task, writing: undefined } : task,
  );
}
