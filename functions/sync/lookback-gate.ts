/**
 * Holds slices back until the lookback before them was read again. Pure.
 *
 * A run reads the lookback again for rows that appeared late, and the next run looks back from the watermark that this one
 * leaves behind. So coverage must not grow beyond a lookback that was not read to its end: a run that is stopped there
 * would move the watermark past late rows that nobody has read.
 */
import { gapsIn, inOrder } from '../intervals.ts';
import type { Window } from '../model.ts';
import type { ReadSlice } from './slice-reader.ts';

/** The lookbacks of one run. */
export class LookbackGate {
  #unread: readonly Window[];
  #held: ReadSlice[] = [];

  constructor(lookbacks: readonly Window[]) {
    this.#unread = inOrder(lookbacks);
  }

  /** Takes a slice, and returns the slices that may be recorded now. */
  release(slice: ReadSlice): ReadSlice[] {
    const read = inOrder([...slice.proven, ...slice.unproven.map(({ window }) => window)]);
    this.#unread = this.#unread.flatMap((lookback) => gapsIn(lookback, read));
    this.#held.push(slice);
    const openMs = this.#unread[0]?.fromMs ?? Number.POSITIVE_INFINITY;
    const released = this.#held.filter(({ window }) => window.toMs <= openMs);
    this.#held = this.#held.filter(({ window }) => window.toMs > openMs);
    return released.sort((a, b) => a.window.fromMs - b.window.fromMs);
  }
}
