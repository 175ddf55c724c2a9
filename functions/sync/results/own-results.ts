/** Drops rule results that may be those of another execution, because their instance has started again or is gone. */
import type { PendingResult } from '../../checkpoint/results-document.ts';
import { StoppedError } from '../../errors.ts';
import { containsAny, unionOf } from '../../intervals.ts';
import { executionKey, type PageFilter, type Window } from '../../model.ts';
import type { PageSource } from '../../reading/page-source.ts';
import { readWhole } from '../target-reader.ts';
import type { TargetRun } from '../target-run.ts';
import { type FetchedExecution, withoutDoubtful } from './execution-results.ts';

type Started = Pick<PendingResult, 'id' | 'startTimeMs' | 'tries'>;

/** Executions of one status that start this close together are requested together: few others start in between. */
const joinedOfStatusMs = 6 * 3_600_000;
/** The same without a status, which is shorter because all that start in between are read into memory. */
const joinedMs = 3_600_000;
/**
 * In a backlog, few others start in between even if failures are days apart, so gaps of up to this many times the median
 * gap are read too. A backlog has at least 5 executions that were never requested: with fewer, an old one that appeared
 * late could set the median.
 */
const mostMedianGaps = 10;
const backlogExecutions = 5;
/** The source may filter by a slightly different time than it shows. */
const aroundMs = 1_000;

/**
 * Keeps only the results of executions that the source still lists after the results were fetched. The source lists an
 * instance only at its latest start, so a listed execution had not started again. If the run is stopped first, returns
 * no results, and a later run requests them again: the instance may start once more before any run notes the re-run.
 *
 * @param filters one for each status that the executions may have; `{}` for all
 * @throws what the source throws
 */
export async function ownResults(
  run: TargetRun,
  source: PageSource,
  filters: readonly PageFilter[],
  batch: readonly FetchedExecution[],
): Promise<readonly FetchedExecution[]> {
  const fetched = batch.filter(({ results, isNote }) => results.length > 0 && !isNote);
  const executions = fetched.map(({ entry }) => entry);
  try {
    const gone = await goneExecutions(run, source, filters, executions);
    const nowMs = run.clock.now();
    return batch.map((one) => (gone.has(executionKey(one.entry)) ? withoutDoubtful(one, nowMs) : one));
  } catch (thrown) {
    if (thrown instanceof StoppedError) {
      return batch.filter((one) => !fetched.includes(one));
    }
    throw thrown;
  }
}

/**
 * Returns the keys of executions that the source does not list, although it shows the whole second of their start.
 *
 * First lists the statuses that the executions should have, which takes a few requests per hundred executions. Then
 * looks for each missing one on its own, with any status.
 */
async function goneExecutions(
  run: TargetRun,
  source: PageSource,
  filters: readonly PageFilter[],
  executions: readonly Started[],
): Promise<ReadonlySet<string>> {
  const missing = new Map(executions.map((one) => [executionKey(one), one]));
  const read = async (window: Window, filter: PageFilter): Promise<readonly Window[]> => {
    const ofStatus = { ...source, filter: { ...source.filter, ...filter } };
    const { collected, proven } = await readWhole(run, ofStatus, window);
    for (const key of collected.seen.keys()) {
      missing.delete(key);
    }
    return collected.unreadable.size > 0 ? [] : proven;
  };
  for (const filter of filters) {
    for (const window of windowsAround(executions, filter)) {
      await read(window, filter);
    }
  }
  const gone = new Set<string>();
  for (const [key, { startTimeMs }] of [...missing]) {
    const around = { fromMs: startTimeMs - aroundMs, toMs: startTimeMs + aroundMs + 1 };
    // A second that was read for an earlier execution may have shown this one too.
    const proven = missing.has(key) ? await read(around, {}) : [];
    if (missing.has(key) && containsAny(proven, startTimeMs)) {
      gone.add(key);
    }
  }
  return gone;
}

function windowsAround(executions: readonly Started[], { runStatus }: PageFilter): Window[] {
  if (runStatus === undefined) {
    return joinedWindows(executions, joinedMs);
  }
  const first = executions.filter(({ tries }) => tries === 0);
  const again = executions.filter(({ tries }) => tries > 0);
  const backlogGapMs = first.length < backlogExecutions ? 0 : mostMedianGaps * medianGapMs(first);
  return [...joinedWindows(first, Math.max(joinedOfStatusMs, backlogGapMs)), ...joinedWindows(again, joinedOfStatusMs)];
}

function medianGapMs(executions: readonly Started[]): number {
  const times = executions.map(({ startTimeMs }) => startTimeMs).sort((a, b) => a - b);
  const gaps = times.slice(1).map((ms, index) => ms - (times[index] ?? ms));
  return gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
}

/** Returns windows that contain the start times, joined over gaps of up to `gapMs`. */
function joinedWindows(executions: readonly Started[], gapMs: number): Window[] {
  const reaching = executions.map(({ startTimeMs }) => ({ fromMs: startTimeMs, toMs: startTimeMs + 1 + gapMs }));
  return unionOf(reaching).map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs - gapMs }));
}
