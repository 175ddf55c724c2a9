/**
 * Numbers the requests of one run in the order in which they are sent, and lets one reader send several in a row.
 * Windows are read in parallel, so other requests may come between two requests for the same window. If the source
 * fails every third request, it could then fail both.
 */
export class Turns {
  #last = 0;
  #alone: Promise<void> | null = null;

  /** Returns the number of a request. The caller must send it before it awaits anything. */
  take(): number {
    return ++this.#last;
  }

  /** Returns whether no request was sent after the one with this number. */
  isLast(turn: number): boolean {
    return turn === this.#last;
  }

  /** Runs `work` as soon as no other reader sends alone. */
  async whenFree<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone !== null) {
      await this.#alone;
    }
    return await work();
  }

  /** Runs `work` while nobody else sends. Requests sent earlier may still be in flight. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await this.whenFree(async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#alone = promise;
      try {
        return await work();
      } finally {
        this.#alone = null;
        resolve();
      }
    });
  }
}
