/**
 * What a change must not claim where a rewind took coverage back after the run had begun. Pure.
 *
 * A run reads the lookback again and writes only what has changed of it, because the rest is in the table by the checkpoint
 * it began with. A rewind says that this is in doubt: so what was covered then, and is not now, stays uncovered until it
 * is read and written anew. What the run was the first to read is all written, and counts.
 */

import { contains, gapsIn } from '../../intervals.ts';
import type { Window } from '../../model.ts';
import type { Change } from './checkpoint.ts';

/**
 * `change` as it may be applied to what is there now.
 *
 * @param base coverage that the change was made on
 * @param current coverage that it is applied to
 */
export function withoutTakenBack(change: Change, base: readonly Window[], current: readonly Window[]): Change {
  const takenBack = takenBackOf(base, current);
  if (takenBack.length === 0 || change.rereading !== null) {
    return change;
  }
  const stands = (ms: number): boolean => !takenBack.some((window) => contains(window, ms));
  return {
    ...change,
    windows: change.windows.flatMap(({ window, startTimesMs }) =>
      gapsIn(window, takenBack).map((part) => ({ window: part, startTimesMs })),
    ),
    seen: change.seen.filter(({ startTimeMs }) => stands(startTimeMs)),
    opened: change.opened.filter(({ execution }) => stands(execution.startTimeMs)),
  };
}

/** What was covered in `base` and is not in `current`. */
export function takenBackOf(base: readonly Window[], current: readonly Window[]): Window[] {
  return base.flatMap((window) => gapsIn(window, current));
}
