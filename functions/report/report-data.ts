/**
 * The data of a report. Types only: the page's own script imports them too.
 */
import type { EpochMs } from '../model.ts';
import type { Incident, Outcome } from '../streaks.ts';
import type { DayCounts } from './day-counts.ts';

/** Whether a target's data can be trusted. */
export interface TargetFacts {
  readonly name: string;
  readonly workspace: string;
  readonly projectId: string;
  /** Everything that started before is in the table, except gaps; null before the first sync. */
  readonly watermarkMs: EpochMs | null;
  /** Spans within the days shown that were never proven complete, and how long they are together. */
  readonly gaps: number;
  readonly gapsMs: number;
  /** Where coverage begins, if that is within the days shown; null if it begins before, or there is none. */
  readonly knownFromMs: EpochMs | null;
  /** When the last run committed, and how it ended; null before the first. */
  readonly lastRun: { readonly atMs: EpochMs; readonly outcome: string; readonly error: string | null } | null;
  /** The last comparison of the source's counts with the table's; null before the first. */
  readonly lastAudit: {
    readonly atMs: EpochMs;
    readonly days: number;
    /** Rows that had appeared late, and were added. */
    readonly lateRows: number;
    /** Days that could not be compared, or not repaired. */
    readonly failed: number;
  } | null;
  /** Why the checkpoint cannot be read; null if it was. */
  readonly error: string | null;
}

/** One (workspace, project) pair with executions in the report. */
export interface WorkspaceData {
  readonly workspace: string;
  readonly projectId: string;
  /** Names of its targets. */
  readonly label: string;
  /** Sums of all its tasks, also of those that have no row. */
  readonly totals: Totals;
  /** Counts of each day. */
  readonly days: readonly DayCounts[];
  /** Counts of the hours with executions, in the report's zone. */
  readonly hours: readonly HourCounts[];
}

/** Sums of some tasks. */
export interface Totals {
  /** Tasks that are not deleted, those of them that do not pass now, and that began to fail within the last 24 hours. */
  readonly tasks: number;
  readonly failing: number;
  readonly newlyFailing: number;
  readonly stopped: number;
  readonly passed: number;
  /** Executions that have ended. */
  readonly settled: number;
  readonly open: number;
  readonly runs24: number;
  readonly bad24: number;
  readonly silent24: number;
}

/** Executions of one hour of one day. */
export interface HourCounts {
  /** Index in `days` of the report. */
  readonly day: number;
  readonly hour: number;
  readonly runs: number;
  readonly bad: number;
}

/** One execution of a task. */
export interface RunData {
  /** Instance id. */
  readonly id: string;
  readonly startMs: EpochMs;
  /** Null if unknown. */
  readonly durationMs: number | null;
  /** As documented; any other status is `UNKNOWN`. */
  readonly status: string;
  /** The status of its notification; empty if there is none. */
  readonly notified: string;
}

/** A rule of a task, as it was observed last. Fields that the source leaves out are empty. */
export interface RuleData {
  readonly name: string;
  readonly dimension: string;
  /** `<database>.<table>`, or what there is of it. */
  readonly table: string;
  readonly columns: string;
  /** When it raises an alarm. */
  readonly condition: string;
}

/** What a rule found in an execution that did not pass. Fields that the source leaves out are empty. */
export interface FindingData {
  /** Instance id and start of the execution. */
  readonly id: string;
  readonly startMs: EpochMs;
  readonly rule: string;
  /** What was checked: a table, or what the source calls it. */
  readonly object: string;
  readonly columns: string;
  /** When the rule raises an alarm. */
  readonly condition: string;
  /** What was measured: `label: value` joined by ` · `, with the source's labels. */
  readonly metrics: string;
}

/** A task with executions in the days shown. */
export interface TaskData {
  /** Index in `workspaces`. */
  readonly w: number;
  /** Null if the source gave none. */
  readonly id: string | null;
  readonly name: string;
  readonly type: string;
  /** Its level, who created it, and its schedule, as the source names them; empty where tasks are not synced. */
  readonly level: string;
  readonly creator: string;
  readonly schedule: string;
  readonly isDeleted: boolean;
  /** Outcome of the last settled execution; null without one. */
  readonly outcome: Outcome | null;
  /** Settled executions with that outcome (bad ones together) at the end of its history. */
  readonly inARow: number;
  /** Start of the first of these. */
  readonly sinceMs: EpochMs | null;
  readonly sinceMayBeOlder: boolean;
  readonly lastMs: EpochMs;
  readonly passed: number;
  readonly alarms: number;
  readonly failed: number;
  readonly open: number;
  /** Alarms without a notification that was delivered. */
  readonly silent: number;
  /** Settled executions of the last 24 hours, those of them that were bad, and alarms without a notification. */
  readonly runs24: number;
  readonly bad24: number;
  readonly silent24: number;
  /** Incidents that were open at some time in the days shown. */
  readonly incidents: number;
  /** Whether its last executions change often between good and bad. */
  readonly isFlapping: boolean;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /**
   * Median duration of the last quarter of the days divided by that of the days before; null with too few executions.
   */
  readonly slowdown: number | null;
  /** The difference of these medians. */
  readonly slowerMs: number | null;
  /**
   * Time from its last run to the watermark of its target, if that is more than twice its longest pause before, and
   * more than 3 days where its runs span less than a week; otherwise null. Null too if it was deleted.
   */
  readonly stoppedMs: number | null;
  /** Counts of each day. */
  readonly days: readonly DayCounts[];
  /** The last executions, oldest first. */
  readonly runs: readonly RunData[];
  /** The first of its rules, and how many it has; none where the table of tasks is not synced. */
  readonly rules: readonly RuleData[];
  readonly rulesInAll: number;
  /** Findings of the last executions that did not pass, newest first. Empty if rule results are not fetched. */
  readonly findings: readonly FindingData[];
}

/** An incident of a task that is in the report. */
export interface IncidentData extends Incident {
  /** Index in `tasks`. */
  readonly t: number;
}

/** Data in the table that the page does not show. */
export interface LeftOut {
  /** Tasks that have no row; the charts count them. */
  readonly tasks: number;
  /** Executions kept for each task, the last ones. */
  readonly runsPerTask: number;
  /** Rules kept per task, the first ones. */
  readonly rulesPerTask: number;
  /** Findings kept per task, the first ones. */
  readonly findingsPerTask: number;
  /** Incidents without a row: resolved ones, the oldest. */
  readonly incidents: number;
}

/** Everything that a page shows. */
export interface ReportData {
  readonly madeAtMs: EpochMs;
  /** The end of the known data: the newest watermark, or a newer execution that a backfill has read. */
  readonly asOfMs: EpochMs;
  readonly timeZone: string;
  /** Days shown, oldest first, `YYYY-MM-DD` in `timeZone`. */
  readonly days: readonly string[];
  /** The first day that was read to find out since when a task fails. */
  readonly readFromDay: string;
  readonly executions: number;
  readonly targets: readonly TargetFacts[];
  readonly workspaces: readonly WorkspaceData[];
  /** The tasks in order of importance: failing ones first, then those that failed in the last 24 hours, or most. */
  readonly tasks: readonly TaskData[];
  /** Open ones first, then by time, newest first. */
  readonly incidents: readonly IncidentData[];
  readonly leftOut: LeftOut;
}

/** Everything that was read, before anything is left out. */
export type WholeReport = Omit<ReportData, 'leftOut'>;
