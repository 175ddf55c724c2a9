/** Sums of tasks, and whether one is failing or an incident open. Pure; the page's own script imports it too. */
import type { EpochMs } from '../model.ts';
import type { IncidentData, TaskData, Totals } from './report-data.ts';

const dayMs = 86_400_000;

/** @param asOfMs end of the last 24 hours */
export function totalsOf(tasks: readonly TaskData[], asOfMs: EpochMs): Totals {
  const sum = (value: (task: TaskData) => number): number => tasks.reduce((total, task) => total + value(task), 0);
  return {
    tasks: tasks.filter(({ isDeleted }) => !isDeleted).length,
    failing: tasks.filter(isFailing).length,
    newlyFailing: tasks.filter((task) => isNewlyFailing(task, asOfMs)).length,
    stopped: tasks.filter(({ stoppedMs }) => stoppedMs !== null).length,
    passed: sum(({ passed }) => passed),
    settled: sum(({ passed, alarms, failed }) => passed + alarms + failed),
    open: sum(({ open }) => open),
    runs24: sum(({ runs24 }) => runs24),
    bad24: sum(({ bad24 }) => bad24),
    silent24: sum(({ silent24 }) => silent24),
  };
}

/** Whether the last settled execution of a task did not succeed. A deleted task no longer has a state. */
export function isFailing({ outcome, isDeleted }: TaskData): boolean {
  return !isDeleted && (outcome === 'ALARMING' || outcome === 'FAILED');
}

/** Whether a failing task began to fail within the last 24 hours. */
export function isNewlyFailing(task: TaskData, asOfMs: EpochMs): boolean {
  return isFailing(task) && !task.sinceMayBeOlder && (task.sinceMs ?? 0) > asOfMs - dayMs;
}

/** When an incident ended: with the next run that passed, or with the last run of a deleted task; null while it is open. */
export function endOf({ resolvedMs, lastBadMs }: IncidentData, { isDeleted }: TaskData): EpochMs | null {
  return resolvedMs ?? (isDeleted ? lastBadMs : null);
}
