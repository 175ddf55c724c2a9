/**
 * Observes the tasks of a target's workspace and their rules: lists them all, whatever the target's filter, and reads the
 * details of those that are new, have changed, or were last read a week ago. Writes a row for each change. A refusal or
 * a failure is only a warning, and never fails the run.
 */
import { beingWritten, type KnownTask, knownTasksKind, withoutMarks, withTasks } from '../../checkpoint/known-tasks.ts';
import { changeDocument, type LoadedDocument, loadDocument } from '../../checkpoint/state-document.ts';
import { type Clock, isoTime } from '../../clock.ts';
import { type SourceError, StoppedError, toDqsyncError } from '../../errors.ts';
import type { Task, TaskDetails } from '../../model.ts';
import { mayBeOfOne } from '../../source/source-errors.ts';
import { listAllTasks } from '../../source/task-list.ts';
import { writeRows } from '../../warehouse/data-files.ts';
import { tasksKey } from '../../warehouse/layout.ts';
import { taskTable } from '../../warehouse/task-table.ts';
import type { TargetRun } from '../target-run.ts';
import { changesSince, isListedAnew, seenInList, type TaskChange } from './task-rows.ts';

/** Details are read again after this long, because the list does not show changes of a rule. */
const detailsAgeMs = 7 * 86_400_000;
/** Details are committed after at least this many tasks: 25 s at the documented quota. */
const commitTasks = 100;
/** Details are committed after at least this share of the known tasks, because each commit writes all of them again. */
const commitShare = 0.25;
/** Requests in flight. */
const maxInFlight = 8;

/** Failures in a row after which details are no longer requested. */
const maxFailures = 3;

/** Errors of the source that may be about the details of single tasks. */
interface Failures {
  inRow: number;
  first: SourceError | null;
}

/** A task, and what was known of it. */
interface Listed {
  readonly task: Task;
  readonly before: KnownTask | null;
  /** Whether the list shows it; if not, it may have been deleted. */
  readonly isListed: boolean;
}

/**
 * Observes the tasks. Returns false if the time was too short for all. Never throws: a failure is a warning, with the
 * remedy.
 */
export async function observeTasks(run: TargetRun): Promise<boolean> {
  if (!run.settings.keepsTasks) {
    return true;
  }
  try {
    await observe(run);
    return true;
  } catch (thrown) {
    const error = toDqsyncError(thrown, run.target.name);
    if (!(error instanceof StoppedError)) {
      const kept = 'what was read is kept, and executions are still synced';
      run.log('warn', `tasks were not observed: ${error.message}; ${kept}. ${error.remedy}`, {
        target: run.target.name,
      });
    }
    return !(error instanceof StoppedError);
  }
}

async function observe(run: TargetRun): Promise<void> {
  const { clock } = run;
  let loaded = await loadDocument(run.store, knownTasksKind(run.target));
  if (loaded.isDamaged) {
    warnOfLoss(run);
  }
  const { tasks, isComplete } = await listAllTasks(run.source.tasks);
  const known = new Map(loaded.value.map((one) => [one.details.id, one]));
  const listed = new Set(tasks.map(({ id }) => id));
  const mayBeThere = ({ deletedAtMs, writing }: KnownTask): boolean => deletedAtMs === null || writing !== undefined;
  const missing = loaded.value.filter((one) => isComplete && mayBeThere(one) && !listed.has(one.details.id));
  const all: Listed[] = [
    ...tasks.map((task) => ({ task, before: known.get(task.id) ?? null, isListed: true })),
    ...missing.map((before) => ({ task: before.details, before, isListed: false })),
  ];
  // A clock that was ahead dates the last reading in the future.
  const isOld = ({ detailsReadAtMs }: KnownTask): boolean => Math.abs(clock.now() - detailsReadAtMs) > detailsAgeMs;
  const isDue = ({ task, before, isListed }: Listed): boolean =>
    !isListed || before === null || isListedAnew(task, before) || isOld(before);
  // Those that failed come last: otherwise a few that always fail would keep all others from being read.
  const inOrder = (when: 'failedAtMs' | 'detailsReadAtMs', a: Listed, b: Listed): number =>
    (a.before?.[when] ?? 0) - (b.before?.[when] ?? 0);
  const due = all.filter(isDue).sort((a, b) => inOrder('failedAtMs', a, b) || inOrder('detailsReadAtMs', a, b));
  const now = laterThan(loaded.value, clock);
  const rest = all.filter((one) => !isDue(one)).map(({ task, before }) => seenInList(task, before, now()));
  const written = { files: 0 };
  const failures: Failures = { inRow: 0, first: null };
  const commit = async (seen: readonly KnownTask[]): Promise<void> => {
    loaded = await commitTasksOf(run, loaded, seen, written);
  };
  await commit(rest);
  for (let from = 0, to = 0; from < due.length; from = to) {
    to = from + Math.max(commitTasks, Math.ceil(commitShare * loaded.value.length));
    await commit(await readBatch(run, due.slice(from, to), now, failures));
  }
  if (failures.first !== null) {
    throw failures.first;
  }
}

/**
 * Warns that the known tasks are lost. This run then writes each task that the source has again, so that the latest row
 * of a task that was deleted in the meantime is older. Finding these here would take a reader of all rows of the table.
 */
function warnOfLoss({ target, clock, log }: TargetRun): void {
  const lost = `${tasksKey(target)} cannot be understood, so all tasks are written again, and no run finds which of the earlier ones were deleted`;
  // The config allows no quote in a workspace, because it is part of keys.
  const where = `workspace = '${target.workspace}' AND deleted_at IS NULL AND observed_at < TIMESTAMP '${isoTime(clock.now()).replace('Z', '')}'`;
  log('warn', `${lost}. When this run has ended, list them with: SELECT * FROM quality_tasks WHERE ${where}`, {
    target: target.name,
  });
}

/**
 * Returns a clock for observations that is later than all known ones, even if they were made by a clock that was ahead:
 * of two observations, the later one counts.
 */
function laterThan(known: readonly KnownTask[], clock: Clock): Clock['now'] {
  const latestMs = known.reduce((latest, { seenAtMs }) => Math.max(latest, seenAtMs), 0);
  const aheadMs = Math.max(0, latestMs + 1 - clock.now());
  return () => clock.now() + aheadMs;
}

async function readBatch(
  run: TargetRun,
  batch: readonly Listed[],
  now: Clock['now'],
  failures: Failures,
): Promise<KnownTask[]> {
  const seen: KnownTask[] = [];
  let failure: unknown = null;
  // The workers share the iterator. Each takes the next task when it is done with one.
  const rest = batch.values();
  const work = async (): Promise<void> => {
    for (const one of rest) {
      if (failure !== null) {
        return;
      }
      try {
        run.budget.signal.throwIfAborted();
        seen.push(...(await readTask(run, one, now, failures)));
      } catch (thrown) {
        failure ??= thrown;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxInFlight, batch.length) }, work));
  if (failure !== null && seen.length === 0) {
    throw failure;
  }
  return seen;
}

/**
 * Returns nothing new if the source neither lists the task nor returns its details. A task counts as deleted only if
 * the service does not know its id. A list without the task is only a hint.
 */
async function readTask(
  { clock, source }: TargetRun,
  { task, before, isListed }: Listed,
  now: Clock['now'],
  failures: Failures,
): Promise<KnownTask[]> {
  const withoutDetails = (failedAtMs = before?.failedAtMs): KnownTask[] => {
    if (!isListed) {
      return before === null || before.writing !== undefined ? [] : [{ ...before, failedAtMs }];
    }
    const seen = seenInList(task, before, now());
    // What the list shows is better than nothing. The details stay marked as old, so the next run requests them.
    const detailsReadAtMs = Math.min(seen.detailsReadAtMs, clock.now() - detailsAgeMs - 1);
    return [{ ...seen, detailsReadAtMs, failedAtMs }];
  };
  if (failures.inRow >= maxFailures) {
    return withoutDetails();
  }
  try {
    const details = await source.tasks.fetchTask(task.type, task.id);
    failures.inRow = 0;
    if (details !== null) {
      const read = { details: withListed(details, task), detailsReadAtMs: clock.now() };
      return [{ ...read, seenAtMs: now(), deletedAtMs: null }];
    }
    const seen = seenInList(task, before, now());
    return [isListed ? seen : { ...seen, deletedAtMs: seen.seenAtMs }];
  } catch (thrown) {
    if (!mayBeOfOne(thrown)) {
      throw thrown;
    }
    failures.inRow += 1;
    failures.first ??= thrown;
    return withoutDetails(clock.now());
  }
}

/** Fills what the details leave out from the list. */
function withListed(details: TaskDetails, task: Task): TaskDetails {
  const { name, categoryId, scheduleStatus, schedulePeriod, scheduleInterval, createTimeMs, lastRunTimeMs } = details;
  return {
    ...details,
    name: name ?? task.name,
    categoryId: categoryId ?? task.categoryId,
    scheduleStatus: scheduleStatus ?? task.scheduleStatus,
    schedulePeriod: schedulePeriod ?? task.schedulePeriod,
    scheduleInterval: scheduleInterval ?? task.scheduleInterval,
    createTimeMs: createTimeMs ?? task.createTimeMs,
    lastRunTimeMs: lastRunTimeMs ?? task.lastRunTimeMs,
    creator: details.creator ?? task.creator,
  };
}

/**
 * Takes over what was seen and marks the tasks that have changed, then writes their rows, then removes the marks. After
 * a kill in between, the next run writes all rows of those tasks, because the table may show a state that the source
 * has left again. The rows follow from the document that the marks went into, so that no run misses what another one
 * has written or marked. A task that another run saw later is left to that run.
 */
async function commitTasksOf(
  run: TargetRun,
  loaded: LoadedDocument<readonly KnownTask[]>,
  seen: readonly KnownTask[],
  written: { files: number },
): Promise<LoadedDocument<readonly KnownTask[]>> {
  const { workspace, projectId } = run.target;
  const kind = knownTasksKind(run.target);
  const nowMs = run.clock.now();
  let changed: readonly TaskChange[] = [];
  const marked = await changeDocument(run, kind, loaded, (tasks) => {
    const changes = changesSince(tasks, seen, { workspace, projectId, runId: run.runId });
    changed = changes.filter(({ rows }) => rows.length > 0);
    const known = changes.map(({ before, after, rows }) => (rows.length > 0 ? beingWritten(before, after) : after));
    return withTasks(tasks, known, nowMs);
  });
  if (changed.length === 0) {
    return marked;
  }
  const rows = changed.flatMap((change) => change.rows);
  written.files += (await writeRows(run, taskTable, rows, written.files)).files;
  const after = changed.map((change) => change.after);
  return await changeDocument(run, kind, marked, (tasks) => withoutMarks(tasks, after));
}
