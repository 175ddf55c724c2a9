/** Leaves out of a report what would make its page too large. Pure. */
import { deflateRawSync } from 'node:zlib';
import type { ReportData, WholeReport } from './report-data.ts';
import { maxFindings, runsPerTask } from './report-sql.ts';
import { maxRules, shortened } from './task-definitions.ts';

/** Incidents that have a row: more than anyone reads. */
const maxIncidents = 1_000;

/** Longest name shown in full. */
const maxNameCharacters = 200;

/** Executions, rules and findings kept per task. */
type Kept = readonly [runs: number, rules: number, findings: number];

/** From most to least; the first that fits is used. */
const keptTried: readonly Kept[] = [
  [runsPerTask, maxRules, maxFindings],
  [runsPerTask, 3, 4],
  [20, 3, 4],
  [10, 3, 2],
  [5, 1, 1],
];
const leastKept: Kept = [5, 0, 0];

/** Returns the data as they are embedded: deflated, in base64. Without that, a page had room for far fewer tasks. */
export function embedded(data: ReportData): string {
  return deflateRawSync(JSON.stringify(data)).toString('base64');
}

/**
 * Returns the data, shortened to fit. Leaves out the oldest executions of each task first, then the least important
 * tasks. Counts of days and workspaces always stay. `leftOut` says what is missing.
 */
export function fitReport(data: WholeReport, maxBytes: number): ReportData {
  let tried = Number.POSITIVE_INFINITY;
  for (const kept of keptTried) {
    const part = partOf(data, data.tasks.length, kept);
    const items = part.tasks.reduce(
      (sum, { runs, rules, findings }) => sum + runs.length + rules.length + findings.length,
      0,
    );
    // A step that leaves out no more than the one before takes as much room.
    if (items < tried && embedded(part).length <= maxBytes) {
      return part;
    }
    tried = items;
  }
  for (let tasks = data.tasks.length; ; ) {
    const part = partOf(data, tasks, leastKept);
    const { length } = embedded(part);
    if (length <= maxBytes || tasks === 0) {
      return part;
    }
    // Tasks are most of it, and all are of about one size.
    tasks = Math.floor(tasks * Math.min(0.95, maxBytes / length));
  }
}

function partOf(data: WholeReport, tasks: number, [runs, rules, findings]: Kept): ReportData {
  const incidents = data.incidents.filter(({ t }) => t < tasks).slice(0, maxIncidents);
  return {
    ...data,
    tasks: data.tasks.slice(0, tasks).map((task) => ({
      ...task,
      name: shortened(task.name, maxNameCharacters),
      runs: task.runs.slice(-runs),
      rules: task.rules.slice(0, rules),
      findings: task.findings.slice(0, findings),
    })),
    incidents,
    leftOut: {
      tasks: data.tasks.length - tasks,
      runsPerTask: runs,
      rulesPerTask: rules,
      findingsPerTask: findings,
      incidents: data.incidents.length - incidents.length,
    },
  };
}
