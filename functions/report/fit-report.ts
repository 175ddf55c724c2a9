/** Leaves out of a report what would make its page too large. Pure. */
import { packRows } from './packing.ts';
import type { IncidentData, PackedRuns, ReportData, TaskData } from './report-data.ts';
import { shortened } from './task-definitions.ts';

/** Incidents that have a row: more than anyone reads. */
const maxIncidents = 1_000;

/** Longest name shown whole. */
const maxNameCharacters = 200;

/** Executions, rules and findings kept of each task, tried in turn. */
const keptTried = [
  [30, 10, 12],
  [30, 3, 4],
  [20, 3, 4],
  [10, 3, 2],
  [5, 1, 1],
  [5, 0, 0],
] as const;

/** The data as they are embedded: tasks and incidents without the names of their properties (page/main.ts). */
export function embedded(data: ReportData): object {
  return { ...data, tasks: packRows(data.tasks), incidents: packRows(data.incidents) };
}

/** Size as JSON in bytes. */
export function sizeOf(data: unknown): number {
  return new TextEncoder().encode(JSON.stringify(data)).length;
}

/**
 * Returns the data, shortened to fit. Leaves out the oldest executions of each task first, then the least important
 * tasks. Counts of days and workspaces always stay. `leftOut` says what is missing.
 */
export function fitReport(data: ReportData, maxBytes: number): ReportData {
  const incidents = data.incidents.slice(0, maxIncidents);
  const short: ReportData = {
    ...data,
    tasks: data.tasks.map((task) => ({ ...task, name: shortened(task.name, maxNameCharacters) })),
    incidents,
    leftOut: { ...data.leftOut, incidents: data.incidents.length - incidents.length },
  };
  let fitted = short;
  for (const [runs, rules, findings] of keptTried) {
    fitted = withRuns(short, runs, rules, findings);
    if (sizeOf(embedded(fitted)) <= maxBytes) {
      return fitted;
    }
  }
  while (fitted.tasks.length > 0) {
    // Tasks are most of it, and all are of about one size.
    const kept = Math.floor(fitted.tasks.length * Math.min(0.95, maxBytes / sizeOf(embedded(fitted))));
    fitted = withTasks(fitted, kept);
    if (sizeOf(embedded(fitted)) <= maxBytes) {
      break;
    }
  }
  return fitted;
}

function withRuns(data: ReportData, runsPerTask: number, rulesPerTask: number, findingsPerTask: number): ReportData {
  return {
    ...data,
    tasks: data.tasks.map(
      (task): TaskData => ({
        ...task,
        runs: lastRuns(task.runs, runsPerTask),
        rules: task.rules.slice(0, rulesPerTask),
        findings: task.findings.slice(0, findingsPerTask),
      }),
    ),
    leftOut: { ...data.leftOut, runsPerTask, rulesPerTask, findingsPerTask },
  };
}

/** The last `count` of packed executions. Starts are differences, so the first one that is kept becomes absolute. */
function lastRuns(runs: PackedRuns, count: number): PackedRuns {
  const dropped = runs.statuses.length - count;
  if (dropped <= 0) {
    return runs;
  }
  const starts = runs.starts.split(',').map(Number);
  const firstMs = starts.slice(0, dropped + 1).reduce((sum, difference) => sum + difference, 0);
  const rest = (text: string): string => text.split(',').slice(dropped).join(',');
  return {
    ids: rest(runs.ids),
    starts: [firstMs, ...starts.slice(dropped + 1)].join(','),
    durations: rest(runs.durations),
    statuses: runs.statuses.slice(dropped),
    notified: runs.notified.slice(dropped),
  };
}

function withTasks(data: ReportData, kept: number): ReportData {
  const incidents = data.incidents.filter(({ t }: IncidentData) => t < kept);
  return {
    ...data,
    tasks: data.tasks.slice(0, kept),
    incidents,
    leftOut: {
      ...data.leftOut,
      tasks: data.leftOut.tasks + data.tasks.length - kept,
      incidents: data.leftOut.incidents + data.incidents.length - incidents.length,
    },
  };
}
