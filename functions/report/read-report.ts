/** Reads a report's data out of a warehouse, in a fixed number of queries over the days it shows. */
import { dayInTimeZone } from '../clock.ts';
import type { EpochMs } from '../model.ts';
import { noPartitions, type WarehouseSql } from '../query/duckdb.ts';
import type { SqlValue } from '../query/sql-value.ts';
import { calendarDays } from './calendar.ts';
import { type DayCounts, sumOfDays } from './day-counts.ts';
import { findingOf, readFindings, readRuns } from './read-findings.ts';
import { fromFirstRun, type History, noHistory, outcomes, readHistories } from './read-histories.ts';
import type {
  HourCounts,
  IncidentData,
  RunData,
  TargetFacts,
  TaskData,
  WholeReport,
  WorkspaceData,
} from './report-data.ts';
import {
  hoursSql,
  numberedTasksSql,
  type ReportScope,
  runsPartitions,
  runsSql,
  taskDaysSql,
  tasksSql,
} from './report-sql.ts';
import { rowsOfTasks } from './rows-of-tasks.ts';
import { isCreatedSince } from './target-facts.ts';
import { type Definitions, definitionOf, type TaskPlace } from './task-definitions.ts';
import { isFailing, totalsOf } from './totals.ts';

/** The arguments of a report. */
export interface ReportRequest {
  readonly nowMs: EpochMs;
  readonly timeZone: string;
  /** Days shown: today and those before. */
  readonly days: number;
  readonly targets: readonly TargetFacts[];
  /** Empty where tasks are not synced. */
  readonly definitions: Definitions;
}

/**
 * Days read before those shown, to find out since when a task fails. Bounds the cost of a task that has failed for
 * years.
 */
export const lookBackDays = 30;

/**
 * A task flaps from this many changes between good and bad on: Nagios' default, 20 % of the 29 changes that its strip can show.
 */
const flappingChanges = 6;

/**
 * Returns the scope of a request: the days it reads.
 *
 * @throws RangeError for an unknown time zone
 */
function scopeOf({ nowMs, timeZone, days, targets }: ReportRequest): ReportScope {
  const today = dayInTimeZone(timeZone)(nowMs);
  const shown = calendarDays(today, days);
  return {
    fromDay: shown[0] ?? today,
    toDay: today,
    readFromDay: calendarDays(today, days + lookBackDays)[0] ?? today,
    recentDay: calendarDays(today, Math.max(1, Math.ceil(days / 4)))[0] ?? today,
    timeZone,
    sources: targets.map(({ workspace, projectId }) => ({ workspace, projectId })),
  };
}

/**
 * Reads everything that the page shows.
 *
 * @throws StorageError if a data file cannot be read
 */
export async function readReport(sql: WarehouseSql, request: ReportRequest): Promise<WholeReport> {
  const scope = scopeOf(request);
  const days = calendarDays(scope.toDay, request.days);
  const { sources, fromDay, toDay } = scope;
  await sql.keep('report_runs', runsSql(sources, fromDay, toDay), runsPartitions(sources, fromDay, toDay));
  await sql.keep('report_tasks', numberedTasksSql, noPartitions);
  const asOfMs = await asOf(sql, request);
  const { rows: taskRows } = await sql.run(tasksSql(scope, asOfMs), noPartitions);
  const daysOfTask = await readTaskDays(sql, days);
  const runsOfTask = await readRuns(sql);
  const findingsOfTask = await readFindings(sql, scope);
  const histories = await readHistories(sql, scope);
  const places = placesOf(taskRows, request.targets);
  const knownUntil = knownUntilOf(taskRows, request.targets);
  const dayOf = dayInTimeZone(request.timeZone);
  const isShown = (ms: EpochMs): boolean => dayOf(ms) >= fromDay;
  const numbered = taskRows.map((row) => {
    const task = numberAt(row, 0);
    const place = placeOf(row);
    const isFromFirstRun = isCreatedSince(isShown, request, place);
    const read = histories.ofTask.get(task) ?? noHistory;
    const history = isFromFirstRun ? fromFirstRun(read) : read;
    return {
      incidents: history.incidents,
      data: taskOf(row, {
        w: places.findIndex((each) => each.workspace === place.workspace && each.projectId === place.projectId),
        history,
        isFromFirstRun,
        knownUntilMs: knownUntil(row),
        days: daysOfTask.get(task) ?? days.map(() => [0, 0, 0]),
        runs: runsOfTask.get(task) ?? [],
        definition: definitionOf(request.definitions, place),
        findings: (findingsOfTask.get(task) ?? []).map((found) => findingOf(found, request.definitions, place)),
      }),
    };
  });
  const ordered = numbered.sort((a, b) => byImportance(a.data, b.data));
  const tasks = ordered.map(({ data }) => data);
  const hours = await readHours(sql, scope, days);
  return {
    madeAtMs: request.nowMs,
    asOfMs,
    timeZone: request.timeZone,
    days,
    readFromDay: histories.readFromDay,
    executions: tasks.reduce((sum, { passed, alarms, failed, open }) => sum + passed + alarms + failed + open, 0),
    targets: request.targets,
    workspaces: places.map((place, w) => {
      const ofPlace = tasks.filter((task) => task.w === w);
      return {
        ...place,
        totals: totalsOf(ofPlace, asOfMs),
        days: sumOfDays(
          ofPlace.map((task) => task.days),
          days.length,
        ),
        hours: hours.get(`${place.workspace}/${place.projectId}`) ?? [],
      };
    }),
    tasks,
    incidents: ordered
      .flatMap(({ incidents }, t) => incidents.map((incident): IncidentData => ({ t, ...incident })))
      .sort(openFirstThenNewest),
  };
}

/** The end of the known data. Backfills read what started after the watermarks, too. */
async function asOf(sql: WarehouseSql, { targets, nowMs }: ReportRequest): Promise<EpochMs> {
  const { rows } = await sql.run('SELECT CAST(max(start_ms) AS double) FROM report_runs', noPartitions);
  const known = [...targets.map(({ watermarkMs }) => watermarkMs), numberOrNull(rows[0]?.[0])];
  const knownMs = known.filter((ms) => ms !== null);
  return knownMs.length === 0 ? nowMs : Math.min(nowMs, Math.max(...knownMs));
}

/**
 * Returns the time up to which executions of a task's place are known: the lowest watermark of its targets, or its newest
 * execution without one. Neither a table that is behind nor another workspace makes a task look stopped.
 */
function knownUntilOf(
  taskRows: readonly (readonly SqlValue[])[],
  targets: readonly TargetFacts[],
): (row: readonly SqlValue[]) => EpochMs {
  const keyOf = (row: readonly SqlValue[]): string => `${row[1]}/${row[2]}`;
  const ofTargets = new Map<string, number>();
  for (const { workspace, projectId, watermarkMs } of targets) {
    const key = `${workspace}/${projectId}`;
    ofTargets.set(key, Math.min(ofTargets.get(key) ?? Number.POSITIVE_INFINITY, watermarkMs ?? 0));
  }
  const newest = new Map(
    [...Map.groupBy(taskRows, keyOf)].map(([key, rows]) => [key, Math.max(...rows.map((row) => numberAt(row, 6)))]),
  );
  return (row) => ofTargets.get(keyOf(row)) || (newest.get(keyOf(row)) ?? 0);
}

type Place = Pick<WorkspaceData, 'workspace' | 'projectId' | 'label'>;

function placesOf(taskRows: readonly (readonly SqlValue[])[], targets: readonly TargetFacts[]): Place[] {
  const keys = new Map(taskRows.map((row) => [`${row[1]}/${row[2]}`, row]));
  return [...keys.values()].map((row) => {
    const [workspace, projectId] = [String(row[1]), String(row[2])];
    const ofPlace = targets.filter((target) => target.workspace === workspace && target.projectId === projectId);
    return { workspace, projectId, label: ofPlace.map(({ name }) => name).join(', ') };
  });
}

async function readTaskDays(sql: WarehouseSql, days: readonly string[]): Promise<Map<number, DayCounts[]>> {
  const counted = rowsOfTasks(await sql.run(taskDaysSql, noPartitions), ([, day, passed, alarms, failed]) => {
    return [day, [Number(passed), Number(alarms), Number(failed)]] as const;
  });
  return new Map(
    [...counted].map(([task, ofTask]) => {
      const ofDay = new Map<SqlValue | undefined, DayCounts>(ofTask);
      return [task, days.map((day) => ofDay.get(day) ?? [0, 0, 0])];
    }),
  );
}

/** @returns by `<workspace>/<project>` */
async function readHours(
  sql: WarehouseSql,
  scope: ReportScope,
  days: readonly string[],
): Promise<Map<string, HourCounts[]>> {
  const { rows } = await sql.run(hoursSql(scope), noPartitions);
  const indexes = new Map<SqlValue | undefined, number>(days.map((day, index) => [day, index]));
  const byPlace = Map.groupBy(rows, (row) => `${row[0]}/${row[1]}`);
  const countsOf = (row: readonly SqlValue[]): HourCounts => ({
    day: indexes.get(row[2]) ?? 0,
    hour: numberAt(row, 3),
    runs: numberAt(row, 4),
    bad: numberAt(row, 5),
  });
  return new Map([...byPlace].map(([place, ofPlace]) => [place, ofPlace.map(countsOf)]));
}

/** @param row as `tasksSql` returns it */
function placeOf(row: readonly SqlValue[]): TaskPlace {
  return { workspace: String(row[1]), projectId: String(row[2]), id: row[3] === null ? null : String(row[3]) };
}

interface PartsOfTask extends Pick<TaskData, 'w' | 'days' | 'runs' | 'findings'> {
  readonly isFromFirstRun: boolean;
  readonly knownUntilMs: EpochMs;
  readonly history: History;
  readonly definition: ReturnType<typeof definitionOf>;
}

/** @param row as `tasksSql` returns it */
function taskOf(
  row: readonly SqlValue[],
  { w, history, isFromFirstRun, knownUntilMs, definition, days, runs, findings }: PartsOfTask,
): TaskData {
  const usualPauseMs = numberOrNull(row[19]);
  const pauseMs = knownUntilMs - numberAt(row, 6);
  const isStopped = !definition.isDeleted && usualPauseMs !== null && pauseMs > usualPauseMs;
  const { last, lastIncident, incidents } = history;
  const failing = lastIncident?.resolvedMs === null ? lastIncident : null;
  return {
    w,
    id: row[3] === null ? null : String(row[3]),
    name: String(row[4] ?? ''),
    type: String(row[5] ?? ''),
    ...definition,
    outcome: last?.outcome ?? null,
    inARow: failing?.runs ?? last?.runs ?? 0,
    sinceMs: failing?.openedMs ?? last?.firstStartMs ?? null,
    sinceMayBeOlder: failing?.mayBeOlder ?? (lastIncident === null && !isFromFirstRun),
    lastMs: numberAt(row, 6),
    passed: numberAt(row, 7),
    alarms: numberAt(row, 8),
    failed: numberAt(row, 9),
    open: numberAt(row, 10),
    silent: numberAt(row, 11),
    runs24: numberAt(row, 12),
    bad24: numberAt(row, 13),
    silent24: numberAt(row, 14),
    incidents: incidents.length,
    isFlapping: isFlapping(runs),
    p50Ms: numberOrNull(row[15]),
    p95Ms: numberOrNull(row[16]),
    slowdown: numberOrNull(row[17]),
    slowerMs: numberOrNull(row[18]),
    stoppedMs: isStopped ? pauseMs : null,
    days,
    runs,
    findings,
  };
}

/** Whether the last executions change often between good and bad. */
function isFlapping(runs: readonly RunData[]): boolean {
  const settled = runs.flatMap(({ status }) => outcomes.filter((outcome) => outcome === status));
  const isGood = settled.map((outcome) => outcome === 'SUCCESS');
  return isGood.filter((each, index) => index > 0 && each !== isGood[index - 1]).length >= flappingChanges;
}

function byImportance(a: TaskData, b: TaskData): number {
  const rank = (task: TaskData): number => (isFailing(task) ? 2 : task.bad24 > 0 ? 1 : 0);
  return rank(b) - rank(a) || b.alarms + b.failed - (a.alarms + a.failed) || b.lastMs - a.lastMs;
}

function openFirstThenNewest(a: IncidentData, b: IncidentData): number {
  const rank = ({ resolvedMs }: IncidentData): number => (resolvedMs === null ? 1 : 0);
  return rank(b) - rank(a) || b.openedMs - a.openedMs;
}

function numberAt(row: readonly SqlValue[] | undefined, index: number): number {
  return Number(row?.[index] ?? 0);
}

function numberOrNull(value: SqlValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}
