/**
 * Numbers the requests of one run in the order in which they are sent, and lets one reader send several in a row. Windows are
 * read side by side, so two requests for one window may have others between them, and a source that fails every third request
 * would then fail both.
 */
export class Turns {
  #last = 0;
  #alone: Promise<void> | null = null;

  /** Returns the number of a request that is sent at once, before anything is awaited. */
  take(): number {
    return ++this.#last;
  }

  /** Whether no request was sent after the one of this number. */
  isLast(turn: number): boolean {
    return turn === this.#last;
  }

  /** Begins `work` once nobody sends alone. */
  async whenFree<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone !== null) {
      await this.#alone;
    }
    return await work();
  }

  /** Does `work` while nobody else sends. What was sent before may still be under way. */
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
