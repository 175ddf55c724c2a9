/** Reads which tasks' outcomes changed since some time. */
import { dayInTimeZone } from '../clock.ts';
import type { EpochMs } from '../model.ts';
import { noPartitions, type WarehouseSql } from '../query/duckdb.ts';
import { type Streak, type Transition, transitionsOf } from '../streaks.ts';
import { calendarDays } from './calendar.ts';
import { streaksByTask } from './read-histories.ts';
import type { TargetFacts } from './report-data.ts';
import { changeStreaksSql, numberedTasksSql, runsPartitions, runsSql } from './report-sql.ts';
import { isCreatedSince } from './target-facts.ts';
import type { Definitions } from './task-definitions.ts';

/** The changes to look for. */
export interface ChangesRequest {
  readonly sinceMs: EpochMs;
  readonly nowMs: EpochMs;
  readonly timeZone: string;
  /** As read from `changesFromMs` on. */
  readonly targets: readonly TargetFacts[];
  readonly definitions: Definitions;
}

/** A change of one task. */
export interface Change extends Omit<Transition, 'from'> {
  /** Null for a new task that fails from its first execution on. */
  readonly from: Transition['from'] | null;
  readonly workspace: string;
  readonly projectId: string;
  /** Null if the source gave none. */
  readonly taskId: string | null;
  readonly name: string;
}

/** Days read before the requested time. A task that ran in none of them has no outcome that could have changed. */
const daysBefore = 30;

const dayMs = 86_400_000;

/** Returns a time before everything that is read for the changes since `sinceMs`. */
export function changesFromMs(sinceMs: EpochMs): EpochMs {
  // The first day is read as a whole, and a day may have 25 hours.
  return sinceMs - (daysBefore + 2) * dayMs;
}

/**
 * Returns the changes since a time, the newest first; null if the table has no executions of the targets in the days
 * read.
 *
 * @throws RangeError for an unknown time zone, StorageError if a data file cannot be read
 */
export async function readChanges(
  sql: WarehouseSql,
  { sinceMs, nowMs, timeZone, targets, definitions }: ChangesRequest,
): Promise<Change[] | null> {
  const dayOf = dayInTimeZone(timeZone);
  const [fromDay = ''] = calendarDays(dayOf(sinceMs), daysBefore + 1);
  const toDay = dayOf(nowMs);
  await sql.keep('report_runs', runsSql(targets, fromDay, toDay), runsPartitions(targets, fromDay, toDay));
  await sql.keep('report_tasks', numberedTasksSql, noPartitions);
  const { rows: tasks } = await sql.run(
    'SELECT task, workspace, project_id, CAST(task_id AS varchar), name FROM report_tasks',
    noPartitions,
  );
  if (tasks.length === 0) {
    return null;
  }
  const streaks = streaksByTask(await sql.run(changeStreaksSql(sinceMs), noPartitions));
  return tasks
    .flatMap(([task, workspace, projectId, taskId, name]) => {
      const place = {
        workspace: String(workspace),
        projectId: String(projectId),
        id: taskId === null ? null : String(taskId),
      };
      const ofTask = streaks.get(Number(task)) ?? [];
      const isNew = isCreatedSince((ms) => dayOf(ms) >= fromDay, { definitions, targets }, place);
      return [...(isNew ? firstFailure(ofTask) : []), ...transitionsOf(ofTask)]
        .filter((change) => change.sinceMs >= sinceMs)
        .map((change) => ({
          ...change,
          workspace: place.workspace,
          projectId: place.projectId,
          taskId: place.id,
          name: String(name ?? ''),
        }));
    })
    .sort((a, b) => b.sinceMs - a.sinceMs || (a.name < b.name ? -1 : 1));
}

/** Returns the change of a task that was never read before, if it fails. As in the events, passing is not a change. */
function firstFailure([first]: readonly Streak[]): Omit<Change, 'workspace' | 'projectId' | 'taskId' | 'name'>[] {
  if (first === undefined || first.outcome === 'SUCCESS') {
    return [];
  }
  const { outcome, firstStartMs, runs, firstId } = first;
  return [{ from: null, to: outcome, sinceMs: firstStartMs, inARow: runs, executionId: firstId }];
}
