/** Looks again at the executions that were open when last seen: asks for what the plan says, and records what came back. */
import { isoTime } from '../clock.ts';
import { executionKey, isOpen, type Window } from '../model.ts';
import type { Collected } from '../reading/collected.ts';
import type { Reader } from '../reading/reader.ts';
import { readVerified } from '../reading/verified.ts';
import { contains } from '../reading/window.ts';
import type { OpenEntry } from './plan/checkpoint.ts';
import { densityOf } from './plan/coverage.ts';
import { narrowWindows, othersDue, planReobservation, surplusEntries } from './plan/open-set.ts';
import type { Recorder } from './recorder.ts';
import { sourceTime } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';
import type { UnprovenWindows } from './unproven.ts';

/** What looking again works with. */
export interface Reobserving {
  readonly run: TargetRun;
  readonly reader: Reader;
  readonly recorder: Recorder;
  /** What is read anyway. */
  readonly spans: readonly Window[];
  /** Windows that can't be proven are noted here; what lies in them is looked at by the next run. */
  readonly unproven: UnprovenWindows;
}

/**
 * Records the present state of every execution of an open status that does not lie in `spans`. One that has vanished is
 * recorded once more, saying so.
 *
 * @throws what reading throws, for too many unproven windows too
 */
export async function reobserveOpen(reobserving: Reobserving): Promise<void> {
  const { reader, recorder, unproven } = reobserving;
  const rowsPerMs = densityOf(recorder.checkpoint.coverage);
  const plan = planReobservation(openOutside(reobserving), rowsPerMs);
  const found = new Set<string>();
  const unread = new Set<string | null>();
  for (const { runStatus, window } of plan.stillOpen) {
    const ofStatus = { ...reader, filter: { ...reader.filter, runStatus } };
    const collected = await unproven.unless(() => readAll(ofStatus, window));
    if (collected === null) {
      unread.add(runStatus);
    } else {
      recordFound(recorder, collected, plan.due, found);
    }
  }
  const left = plan.due.filter(
    ({ execution }) => !found.has(executionKey(execution)) && !unread.has(execution.runStatus),
  );
  await lookAt(reobserving, { entries: left, due: plan.due, rowsPerMs });
}

/**
 * Looks, as far as a bounded number of requests reaches, at what can't be asked for by status: open executions of other
 * statuses, and notification states that may have changed since the end; none in `spans`.
 *
 * @throws what reading throws, for too many unproven windows too
 */
export async function reobserveOthers(reobserving: Reobserving): Promise<void> {
  const { run, recorder } = reobserving;
  const rowsPerMs = densityOf(recorder.checkpoint.coverage);
  const due = othersDue(openOutside(reobserving), {
    rowsPerMs,
    requestsSoFar: run.source.stats().requests,
    nowMs: sourceTime(run, run.clock.now()),
    lookbackMs: run.settings.lookbackMs,
  });
  await lookAt(reobserving, { entries: due, due, rowsPerMs });
  const looked = new Set(due);
  const surplus = surplusEntries(recorder.checkpoint.open.filter((entry) => !looked.has(entry)));
  for (const { execution } of surplus) {
    recorder.close(executionKey(execution));
  }
  if (surplus.length > 0) {
    run.log(
      'warn',
      'too many executions have ended at once to follow the notification of each: the oldest are left as seen',
      {
        target: run.target.name,
        executions: surplus.length,
      },
    );
  }
}

function openOutside({ recorder: { checkpoint }, spans }: Reobserving): OpenEntry[] {
  const inside = new Set(entriesIn(checkpoint.open, spans));
  return checkpoint.open.filter((entry) => !inside.has(entry));
}

/** Reads narrow windows around `entries` and records what they show of all that is `due`; an entry not there has vanished. */
async function lookAt(
  { run, reader, recorder, unproven }: Reobserving,
  look: {
    readonly entries: readonly OpenEntry[];
    readonly due: readonly OpenEntry[];
    readonly rowsPerMs: number | null;
  },
): Promise<void> {
  const { entries, due, rowsPerMs } = look;
  const found = new Set<string>();
  /** @returns the windows that could not be proven, or not be read in full */
  const readEach = async (windows: readonly Window[]): Promise<Window[]> => {
    const unread: Window[] = [];
    for (const window of windows) {
      const collected = await unproven.unless(() => readAll(reader, window));
      if (collected === null) {
        unread.push(window);
        continue;
      }
      recordFound(recorder, collected, due, found);
      if (collected.unreadable.size > 0) {
        // Any of those that are missing may be among them.
        unread.push(window);
      }
    }
    return unread;
  };
  const joined = await readEach(narrowWindows(entries, rowsPerMs));
  // What lies beside a millisecond that can't be proven, or a row that can't be read, may be seen by itself.
  const beside = entriesIn(entries, joined).filter(
    (entry) => !found.has(executionKey(entry.execution)) && entriesIn([entry], unproven.windows).length === 0,
  );
  const apart = await readEach(narrowWindows(beside, null));
  const unread = new Set(entriesIn(entries, [...unproven.windows, ...apart]));
  for (const entry of entries.filter(({ execution }) => !found.has(executionKey(execution)))) {
    if (unread.has(entry)) {
      recorder.giveUpIfOld(entry.execution);
      continue;
    }
    if (entry.awaits === 'outcome') {
      recordVanished(run, recorder, entry);
    } else {
      recorder.close(executionKey(entry.execution));
    }
  }
}

function entriesIn(entries: readonly OpenEntry[], windows: readonly Window[]): OpenEntry[] {
  return entries.filter(({ execution }) => windows.some((window) => contains(window, execution.startTimeMs)));
}

async function readAll(reader: Reader, window: Window): Promise<Collected> {
  const outcome = await readVerified(reader, window, Number.POSITIVE_INFINITY);
  if (outcome.kind === 'tooLarge') {
    throw new RangeError('a read without a limit was reported too large');
  }
  return outcome.collected;
}

/** Records the due ones, and others that are open. Others that are decided were written when their window was covered. */
function recordFound(recorder: Recorder, collected: Collected, due: readonly OpenEntry[], found: Set<string>): void {
  const dueKeys = new Set(due.map((entry) => executionKey(entry.execution)));
  recorder.addUnreadable(collected);
  for (const [key, seen] of collected.seen) {
    if (dueKeys.has(key) || isOpen(seen.execution)) {
      recorder.addReobserved(key, seen);
      found.add(key);
    }
  }
}

function recordVanished(run: TargetRun, recorder: Recorder, { execution }: OpenEntry): void {
  recorder.addVanished(execution, isoTime(run.clock.now()));
  run.log('info', 'an open execution is no longer in the source: re-run, or deleted', {
    target: run.target.name,
    id: String(execution.id),
    startTime: isoTime(execution.startTimeMs),
  });
}
