/**
 * The order in which the requests of one run are sent. Windows are read side by side, so two requests for one window may have
 * others between them; and what goes wrong with every third request of the source goes wrong each time then.
 */

/** Numbers requests, and lets one reader send several in a row. */
export class Turns {
  #last = 0;
  #alone: Promise<void> | null = null;

  /** Waits until nobody sends alone. Returns the number of the turn. */
  async next(): Promise<number> {
    while (this.#alone !== null) {
      await this.#alone;
    }
    return this.take();
  }

  /** Returns the number of the turn, without waiting: for who is alone. */
  take(): number {
    this.#last += 1;
    return this.#last;
  }

  /** Whether a turn was the last one so far. */
  isLast(turn: number): boolean {
    return turn === this.#last;
  }

  /** Does `work` while nobody else sends. What was sent before may still be under way. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone !== null) {
      await this.#alone;
    }
    const done = Promise.withResolvers<void>();
    this.#alone = done.promise;
    try {
      return await work();
    } finally {
      this.#alone = null;
      done.resolve();
    }
  }
}
