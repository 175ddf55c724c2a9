/**
 * The daily maintenance of one target: steps, one after the other, each with a share of the time. The failure of one
 * never stops another.
 */
import { identityOf, loadCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { StoppedError, toDqsyncError } from '../errors.ts';
import { audit } from './audit.ts';
import { partOf } from './budget.ts';
import { compactSettledDays } from './compaction-step.ts';
import { addCounters } from './counters.ts';
import type { MaintenanceStep } from './maintenance-step.ts';
import { newRunState, type RunState } from './run-state.ts';
import { outcomeOf, type TargetOutcome } from './summary.ts';
import type { TargetRun } from './target-run.ts';
import { observeTasks } from './tasks.ts';

/** The steps, in this order. */
const steps: readonly MaintenanceStep[] = [
  { name: 'audit', timeShare: 0.8, work: audit },
  { name: 'tasks', timeShare: 0.5, work: observeTasks },
  { name: 'compaction', timeShare: 1, work: compactSettledDays },
];

/** Maintains one target. Never throws: a failure is in the outcome. */
export async function runMaintenance(run: TargetRun): Promise<TargetOutcome> {
  const state = newRunState();
  try {
    const untilMs = run.clock.now() - run.settings.settleMs;
    state.holder = await loadCheckpoint(run.store, run.target.name, identityOf(run));
    state.window = { fromMs: untilMs - run.settings.auditMs, toMs: untilMs };
    state.done = true;
    const isAnythingCovered = state.holder.checkpoint.coverage.length > 0;
    for (const step of isAnythingCovered ? steps : []) {
      await runStep(run, state, step);
    }
  } catch (thrown) {
    state.error = toDqsyncError(thrown, run.target.name);
  }
  state.done &&= state.error === null;
  return outcomeOf(run, state, 'maintain');
}

async function runStep(run: TargetRun, state: RunState, { name, timeShare, work }: MaintenanceStep): Promise<void> {
  const budget = partOf(run.budget, run.clock, run.budget.remainingMs() * timeShare);
  const { fetchPage, tasks } = run.source;
  const source: TargetRun['source'] = {
    ...run.source,
    fetchPage: async (request) => {
      budget.signal.throwIfAborted();
      return await fetchPage(request);
    },
    ...(tasks && {
      tasks: {
        ...tasks,
        listTasks: async (type, offset) => {
          budget.signal.throwIfAborted();
          return await tasks.listTasks(type, offset);
        },
      },
    }),
  };
  const {
    counters = {},
    done,
    error,
  } = await work({ ...run, budget, source })
    .catch((thrown: unknown) => ({
      done: false,
      error: thrown instanceof StoppedError ? null : toDqsyncError(thrown, run.target.name),
      counters: {},
    }))
    .finally(budget.close);
  addCounters(state.counters, counters);
  state.done &&= done;
  state.error ??= error;
  if (!done) {
    const why = error === null ? 'its time limit was reached; the next maintenance continues' : error.message;
    run.log('warn', `maintenance step "${name}" did not finish: ${why}`, { target: run.target.name });
  }
}
