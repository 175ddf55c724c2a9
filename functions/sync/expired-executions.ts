/** Executions that were open for longer than `maxOpenDays`. They are no longer re-checked, and the log reports them. */
import { isoTime } from '../clock.ts';
import type { Execution } from '../model.ts';
import type { TargetRun } from './target-run.ts';

/** The executions that expired in one run of one target. */
export class ExpiredExecutions {
  #unreported: Execution[] = [];

  add(execution: Execution): void {
    this.#unreported.push(execution);
  }

  /** Logs one warning for all executions added since the last call. Must be called after their commit. */
  report({ log, target }: Pick<TargetRun, 'log' | 'target'>): void {
    const [first] = this.#unreported;
    if (first === undefined) {
      return;
    }
    log('warn', 'executions expired: open for longer than maxOpenDays. The table keeps their last state', {
      target: target.name,
      executions: this.#unreported.length,
      firstId: String(first.id),
      firstStart: isoTime(first.startTimeMs),
    });
    this.#unreported = [];
  }
}
