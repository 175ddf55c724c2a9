/**
 * The daily maintenance of one target: steps, one after the other, each with a share of the time. The failure of one
 * never stops another.
 */
import { loadCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { StoppedError, toDqsyncError } from '../errors.ts';
import { audit } from './audit/audit.ts';
import { partOf } from './budget.ts';
import type { RunCounters } from './counters.ts';
import { RunState } from './run-state.ts';
import { outcomeOf, type TargetOutcome } from './summary.ts';
import type { TargetRun } from './target-run.ts';
import { observeTasks } from './tasks/observe-tasks.ts';

/** A step of the maintenance. */
interface Step {
  /** Its name in the log. */
  readonly name: string;
  /** Share of the time that is left when the step begins, 0 to 1. */
  readonly timeShare: number;
  /**
   * Works until the run's budget is spent, and adds to the counters of the maintenance. Returns whether it finished.
   * What it throws fails the maintenance, after the other steps.
   */
  readonly work: (run: TargetRun, counters: RunCounters) => Promise<boolean>;
}

/** The steps, in this order. */
const steps: readonly Step[] = [
  { name: 'audit', timeShare: 0.8, work: audit },
  { name: 'tasks', timeShare: 0.5, work: observeTasks },
  { name: 'compaction', timeShare: 1, work: compactSettledDays },
];

/** Maintains one target. Never throws: a failure is in the outcome. */
export async function runMaintenance(run: TargetRun): Promise<TargetOutcome> {
  const state = new RunState();
  try {
    const untilMs = run.clock.now() - run.settings.settleMs;
    state.holder = await loadCheckpoint(run);
    state.window = { fromMs: untilMs - run.settings.auditMs, toMs: untilMs };
    state.done = true;
    const isAnythingCovered = state.holder.checkpoint.coverage.length > 0;
    for (const step of isAnythingCovered ? steps : []) {
      await runStep(run, state, step);
    }
  } catch (thrown) {
    state.error = toDqsyncError(thrown, run.target.name);
    countFailedAudit(state);
  }
  state.done &&= state.error === null;
  return outcomeOf(run, state, 'maintain');
}

/**
 * Counts an audit that failed as a whole as one day. It has compared nothing, so a count of zero would end the alarm of
 * an earlier audit.
 */
function countFailedAudit({ counters }: RunState): void {
  counters.auditFailures = Math.max(1, counters.auditFailures);
}

async function runStep(run: TargetRun, state: RunState, { name, timeShare, work }: Step): Promise<void> {
  const budget = partOf(run.budget, run.clock, run.budget.remainingMs() * timeShare);
  const { fetchPage, tasks } = run.source;
  const source: TargetRun['source'] = {
    ...run.source,
    fetchPage: async (request) => {
      budget.signal.throwIfAborted();
      return await fetchPage(request);
    },
    tasks: {
      ...tasks,
      listTasks: async (type, offset) => {
        budget.signal.throwIfAborted();
        return await tasks.listTasks(type, offset);
      },
    },
  };
  const timeIsUp = 'its time limit was reached; the next maintenance continues';
  const endEarly = (why: string): void => {
    state.done = false;
    run.log('warn', `maintenance step "${name}" did not finish: ${why}`, { target: run.target.name });
  };
  try {
    if (!(await work({ ...run, budget, source }, state.counters))) {
      endEarly(timeIsUp);
    }
  } catch (thrown) {
    const error = thrown instanceof StoppedError ? null : toDqsyncError(thrown, run.target.name);
    state.error ??= error;
    if (error !== null && work === audit) {
      countFailedAudit(state);
    }
    endEarly(error?.message ?? timeIsUp);
  } finally {
    budget.close();
  }
}

/**
 * Compacts the settled days of one target. Returns whether it finished. The compaction, with its Parquet reader, is
 * loaded only here, so that no sync waits for it.
 *
 * @throws the error of the first day that could not be compacted, after the others
 */
async function compactSettledDays(run: TargetRun): Promise<boolean> {
  const { compactTarget } = await import('../compaction/compact-target.ts');
  const { target, settings, store, clock, budget, log } = run;
  const { days, failed, done } = await compactTarget({
    ...{ target, settings, store, clock },
    stop: budget.signal,
    remainingMs: budget.remainingMs,
  });
  if (days.length > 0) {
    const filesBefore = days.reduce((sum, day) => sum + day.filesBefore, 0);
    const filesAfter = days.reduce((sum, day) => sum + day.filesAfter, 0);
    log('info', 'compacted settled days', { target: target.name, days: days.length, filesBefore, filesAfter });
  }
  for (const { table, dt, error } of failed) {
    log('warn', `day ${dt} of ${table} could not be compacted: ${error.message}`, { target: target.name });
  }
  if (failed[0] !== undefined) {
    throw failed[0].error;
  }
  return done;
}
