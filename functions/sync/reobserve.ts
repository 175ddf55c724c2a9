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

/**
 * Records the present state of every execution of an open status that does not lie in `spans`, which are read anyway.
 * One that has vanished is recorded once more, saying so.
 *
 * @throws what reading throws; then nothing is recorded as vanished
 */
export async function reobserveOpen(
  run: TargetRun,
  reader: Reader,
  recorder: Recorder,
  spans: readonly Window[],
): Promise<void> {
  const rowsPerMs = densityOf(recorder.checkpoint.coverage);
  const plan = planReobservation(openOutside(recorder, spans), rowsPerMs);
  const found = new Set<string>();
  for (const { runStatus, window } of plan.stillOpen) {
    const collected = await readAll({ ...reader, filter: { ...reader.filter, runStatus } }, window);
    recordFound(recorder, collected, plan.due, found);
  }
  const left = plan.due.filter((entry) => !found.has(executionKey(entry.execution)));
  await lookAt(run, reader, recorder, { entries: left, due: plan.due, rowsPerMs });
}

/**
 * Looks, as far as a bounded number of requests reaches, at what can't be asked for by status: open executions of other
 * statuses, and notification states that may have changed since the end; none in `spans`, which were read anyway.
 *
 * @throws what reading throws
 */
export async function reobserveOthers(
  run: TargetRun,
  reader: Reader,
  recorder: Recorder,
  spans: readonly Window[],
): Promise<void> {
  const rowsPerMs = densityOf(recorder.checkpoint.coverage);
  const due = othersDue(openOutside(recorder, spans), {
    rowsPerMs,
    requestsSoFar: run.source.stats().requests,
    nowMs: sourceTime(run, run.clock.now()),
    lookbackMs: run.settings.lookbackMs,
  });
  await lookAt(run, reader, recorder, { entries: due, due, rowsPerMs });
  const looked = new Set(due);
  for (const { execution } of surplusEntries(recorder.checkpoint.open.filter((entry) => !looked.has(entry)))) {
    recorder.close(executionKey(execution));
  }
}

function openOutside({ checkpoint }: Recorder, spans: readonly Window[]): OpenEntry[] {
  return checkpoint.open.filter(({ execution }) => !spans.some((span) => contains(span, execution.startTimeMs)));
}

/** Reads narrow windows around `entries` and records what they show of all that is `due`; an entry not there has vanished. */
async function lookAt(
  run: TargetRun,
  reader: Reader,
  recorder: Recorder,
  look: {
    readonly entries: readonly OpenEntry[];
    readonly due: readonly OpenEntry[];
    readonly rowsPerMs: number | null;
  },
): Promise<void> {
  const { entries, due, rowsPerMs } = look;
  const found = new Set<string>();
  for (const window of narrowWindows(entries, rowsPerMs)) {
    recordFound(recorder, await readAll(reader, window), due, found);
  }
  for (const entry of entries.filter(({ execution }) => !found.has(executionKey(execution)))) {
    if (entry.awaits === 'outcome') {
      recordVanished(run, recorder, entry);
    } else {
      recorder.close(executionKey(entry.execution));
    }
  }
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
