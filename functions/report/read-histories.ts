/** Reads since when each task has its outcome, and its incidents. */
import { noPartitions, type WarehouseSql } from '../query/duckdb.ts';
import type { SqlResult } from '../query/statements.ts';
import { type Incident, incidentsOf, type Outcome, type Streak } from '../streaks.ts';
import {
  earlierPartitions,
  earlierStreaksSql,
  failingAtFirstSql,
  newestStreaksSql,
  type ReportScope,
  streaksSql,
} from './report-sql.ts';
import { rowsOfTasks } from './rows-of-tasks.ts';

/** The statuses of settled executions. */
export const outcomes: readonly Outcome[] = ['SUCCESS', 'ALARMING', 'FAILED'];

/** What is known about a task's outcomes. */
export interface History {
  readonly last: Streak | null;
  readonly lastIncident: Incident | null;
  /** Incidents that were open at some time in the days shown. */
  readonly incidents: readonly Incident[];
}

/** The history of a task without settled executions. */
export const noHistory: History = { last: null, lastIncident: null, incidents: [] };

/** The histories of all tasks. */
export interface Histories {
  /** By number of the task. */
  readonly ofTask: ReadonlyMap<number, History>;
  /** The first day that was read. */
  readonly readFromDay: string;
}

/**
 * Reads the histories. Days before those shown are read only if a task was failing when these begin.
 *
 * @throws StorageError if a data file cannot be read
 */
export async function readHistories(sql: WarehouseSql, scope: ReportScope): Promise<Histories> {
  await sql.keep('report_streaks', streaksSql, noPartitions);
  const { rows } = await sql.run(failingAtFirstSql, noPartitions);
  const looksBack = Number(rows[0]?.[0]) > 0;
  if (looksBack) {
    await sql.keep('report_earlier', earlierStreaksSql(scope), earlierPartitions(scope));
  }
  const tables = looksBack ? ['report_streaks', 'report_earlier'] : ['report_streaks'];
  const streaks = streaksByTask(await sql.run(newestStreaksSql(tables), noPartitions));
  return {
    ofTask: new Map([...streaks].map(([task, ofTask]) => [task, historyOf(ofTask)])),
    readFromDay: looksBack ? scope.readFromDay : scope.fromDay,
  };
}

/** Returns the history of a task whose very first execution is in it: its incidents are not older than they look. */
export function fromFirstRun({ last, incidents }: History): History {
  const exact = incidents.map((incident) => ({ ...incident, mayBeOlder: false }));
  return { last, lastIncident: exact.at(-1) ?? null, incidents: exact };
}

function historyOf(streaks: readonly Streak[]): History {
  const incidents = incidentsOf(streaks);
  return { last: streaks.at(-1) ?? null, lastIncident: incidents.at(-1) ?? null, incidents };
}

/** Makes streaks of rows. @returns by number of the task, in order of time as in the rows */
export function streaksByTask(result: SqlResult): Map<number, Streak[]> {
  return rowsOfTasks(result, ([, status, firstMs, lastMs, runs, firstId]) => ({
    outcome: outcomes.find((each) => each === status) ?? 'FAILED',
    firstStartMs: Number(firstMs),
    lastStartMs: Number(lastMs),
    runs: Number(runs),
    firstId: String(firstId),
  }));
}
