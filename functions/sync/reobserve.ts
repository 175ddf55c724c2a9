/** Re-checks executions that were open when last seen: reads what the plan asks for, and records the results. */
import type { OpenEntry } from '../checkpoint/checkpoint.ts';
import { densityOf } from '../checkpoint/coverage.ts';
import { isoTime } from '../clock.ts';
import { containsAny, inOrder, unionOf } from '../intervals.ts';
import { executionKey, isOpen, type Window } from '../model.ts';
import type { Collected } from '../reading/collected.ts';
import type { ReadingRun } from './begin-run.ts';
import { narrowWindows, planReobservation, surplusEntries } from './follow-up.ts';
import type { Recorder } from './recorder.ts';
import { readWhole, sourceTime } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';
import type { UnprovenWindows } from './unproven.ts';

/** A missing execution is searched this far around its start time. */
const aroundMs = 5 * 60_000;
/** The share of the run's time for executions that have no status to filter by, if very many have ended. */
const shareOfTime = 0.25;

/** The parts of a re-check. */
export interface Reobserving extends Pick<ReadingRun, 'run' | 'source' | 'recorder'> {
  /** Spans that the run reads anyway. */
  readonly spans: readonly Window[];
  /** Receives windows that cannot be proven. The next run re-checks the executions in them. */
  readonly unproven: UnprovenWindows;
}

/**
 * Records the current state of the executions that are due, outside of `spans`. A vanished one is written once more with
 * a note.
 *
 * @throws what reading throws
 */
export async function reobserve(reobserving: Reobserving): Promise<void> {
  const { run, source, recorder, spans } = reobserving;
  const { checkpoint } = recorder;
  const rowsPerMs = densityOf(checkpoint.coverage);
  const plan = planReobservation(
    checkpoint.open.filter(({ execution }) => !containsAny(spans, execution.startTimeMs)),
    {
      rowsPerMs,
      mostWindows: (shareOfTime * run.budget.remainingMs() * run.settings.requestsPerSecond) / 1000,
      nowMs: sourceTime(run, run.clock.now()),
      lookbackMs: run.settings.lookbackMs,
    },
  );
  const finding: Finding = {
    due: new Set(plan.due.map(({ execution }) => executionKey(execution))),
    found: new Set(),
    expired: new Set(checkpoint.expired.map(executionKey)),
  };
  for (const { runStatus, window } of plan.stillOpen) {
    // An execution that the source lists under a status has it. A missing one proves nothing: rows enter such a list at
    // any age, so it cannot be proven complete.
    const ofStatus = { ...source, filter: { ...source.filter, runStatus } };
    recordFound(recorder, (await readWhole(run, ofStatus, window)).collected, finding);
  }
  const left = plan.due.filter(({ execution }) => !finding.found.has(executionKey(execution)));
  await lookAt(reobserving, left, finding, rowsPerMs);
  closeSurplus(run, recorder, plan.due);
}

function closeSurplus(run: TargetRun, recorder: Recorder, looked: readonly OpenEntry[]): void {
  const due = new Set(looked);
  const surplus = surplusEntries(recorder.checkpoint.open.filter((entry) => !due.has(entry)));
  for (const { execution } of surplus) {
    recorder.close(executionKey(execution));
  }
  if (surplus.length > 0) {
    run.log('warn', 'stopped following the notifications of the oldest executions (limit 10,000)', {
      target: run.target.name,
      executions: surplus.length,
    });
  }
}

/** Keys of the executions to be found, of those found, and of those that are no longer followed. */
interface Finding {
  readonly due: ReadonlySet<string>;
  readonly found: Set<string>;
  readonly expired: ReadonlySet<string>;
}

/**
 * Reads narrow windows around `entries`, and records all executions in them that are to be found. An entry that is not
 * shown has vanished.
 */
async function lookAt(
  reobserving: Reobserving,
  entries: readonly OpenEntry[],
  finding: Finding,
  rowsPerMs: number | null,
): Promise<void> {
  const { run, recorder, unproven } = reobserving;
  const isMissing = ({ execution }: OpenEntry): boolean => !finding.found.has(executionKey(execution));
  const joined = await readEach(reobserving, narrowWindows(entries, rowsPerMs), finding);
  // An execution beside an unproven second or an unreadable row may be visible in a window of its own.
  const isUnproven = (entry: OpenEntry): boolean => entriesIn([entry], unproven.windows).length > 0;
  const beside = entriesIn(entries, joined).filter((entry) => isMissing(entry) && !isUnproven(entry));
  const apart = await readEach(reobserving, narrowWindows(beside, null), finding);
  // If the source filters by a slightly different time than it shows, an execution is missing from a window of its
  // start time alone.
  await readEach(
    reobserving,
    aroundMissing(entries.filter((entry) => isMissing(entry) && !isUnproven(entry))),
    finding,
  );
  const unread = new Set(entriesIn(entries, [...unproven.windows, ...apart]));
  for (const entry of entries.filter(isMissing)) {
    if (unread.has(entry)) {
      recorder.expireIfOld(entry.execution);
    } else if (entry.awaits === 'outcome') {
      recordVanished(run, recorder, entry);
    } else {
      recorder.close(executionKey(entry.execution));
    }
  }
}

function aroundMissing(entries: readonly OpenEntry[]): Window[] {
  const starts = entries.filter(({ awaits }) => awaits === 'outcome').map(({ execution }) => execution.startTimeMs);
  return unionOf(starts.map((ms) => ({ fromMs: ms - aroundMs, toMs: ms + aroundMs })));
}

/** Reads windows in parallel. Returns those that could not be proven or contain an unreadable row. */
async function readEach(reobserving: Reobserving, windows: readonly Window[], finding: Finding): Promise<Window[]> {
  const { run, source, recorder, unproven } = reobserving;
  const unread: Window[] = [];
  const waiting = [...windows];
  const readNext = async (): Promise<void> => {
    for (let window = waiting.shift(); window !== undefined; window = waiting.shift()) {
      const { collected, unproven: errors } = await readWhole(run, source, window);
      unproven.note(errors);
      recordFound(recorder, collected, finding);
      if (errors.length > 0 || collected.unreadable.size > 0) {
        unread.push(window);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(source.inFlight(), windows.length) }, readNext));
  return unread;
}

function entriesIn(entries: readonly OpenEntry[], windows: readonly Window[]): OpenEntry[] {
  const sorted = inOrder(windows);
  return entries.filter(({ execution }) => containsAny(sorted, execution.startTimeMs));
}

/**
 * Records the executions to be found, and any open ones that are covered. Settled ones were written when their window was
 * covered.
 */
function recordFound(recorder: Recorder, collected: Collected, { due, found, expired }: Finding): void {
  recorder.addUnreadable(collected);
  for (const [key, seen] of collected.seen) {
    const isCovered = containsAny(recorder.checkpoint.coverage, seen.execution.startTimeMs);
    if (due.has(key) || (isOpen(seen.execution) && isCovered && !expired.has(key))) {
      recorder.addReobserved(key, seen);
      found.add(key);
    }
  }
}

function recordVanished(run: TargetRun, recorder: Recorder, entry: OpenEntry): void {
  const { execution } = entry;
  recorder.addVanished(entry, run.clock.now());
  run.log('info', 'an open execution is no longer at the source: it was run again or deleted', {
    target: run.target.name,
    id: String(execution.id),
    startTime: isoTime(execution.startTimeMs),
  });
}
