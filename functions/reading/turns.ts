/**
 * Numbers the requests of one run in the order in which they are sent, and lets one reader send several in a row.
 * Windows are read in parallel, so other requests may come between two requests for the same window. If the source
 * fails every third request, it could then fail both.
 */
export class Turns {
  /** The number of the last request. A caller that counts a request must send it before it awaits anything. */
  last = 0;
  #alone: Promise<unknown> | null = null;

  /** Runs `work` as soon as no other reader sends alone. */
  async whenFree<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone !== null) {
      await this.#alone;
    }
    return await work();
  }

  /** Runs `work` while nobody else sends. Requests sent earlier may still be in flight. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await this.whenFree(() => {
      const working = work();
      const end = (): void => {
        this.#alone = null;
      };
      this.#alone = working.then(end, end);
      return working;
    });
  }
}
