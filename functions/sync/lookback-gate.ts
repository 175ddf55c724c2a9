/**
 * Holds slices back until the lookback before them was read again (PROTOCOL.md, I11). If a run covered them earlier and
 * were then killed, no later run would read the lookback, and late rows in it would be missed. Pure.
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

  /** Adds a slice. Returns the slices that may be recorded now. */
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
