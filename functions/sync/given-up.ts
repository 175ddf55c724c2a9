/** Executions that have been open for longer than `maxOpenDays`: they are looked at no more, which an operator is told. */
import { isoTime } from '../clock.ts';
import type { Execution } from '../model.ts';
import type { TargetRun } from './target-run.ts';

/** Those that one run of one target gives up. */
export class GivenUp {
  #count = 0;
  #untold: Execution[] = [];

  /** Of the whole run. */
  get count(): number {
    return this.#count;
  }

  /** @param wasFollowed false for one that was too old when it was first seen: that is counted, and no news */
  add(execution: Execution, wasFollowed: boolean): void {
    this.#count += 1;
    if (wasFollowed) {
      this.#untold.push(execution);
    }
  }

  /** Says so, once they are committed, for all since the last time together. */
  tell({ log, target }: Pick<TargetRun, 'log' | 'target'>): void {
    const [first] = this.#untold;
    if (first === undefined) {
      return;
    }
    log(
      'warn',
      'open for longer than maxOpenDays, and given up: the table keeps the state that these executions have now',
      {
        target: target.name,
        executions: this.#untold.length,
        firstId: String(first.id),
        firstStart: isoTime(first.startTimeMs),
      },
    );
    this.#untold = [];
  }
}
