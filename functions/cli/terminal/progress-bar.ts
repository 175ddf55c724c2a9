/** A progress bar for the target under way: on a terminal only, on stderr, gone when it is done. */
import cliProgress from 'cli-progress';
import { type Clock, systemClock } from '../../clock.ts';
import type { Progress } from '../../sync/target-run.ts';
import { count, duration, shownAt } from './formats.ts';

/** Shows how far a run is. */
export interface ProgressBar {
  update(progress: Progress): void;
  /** Takes the bar off the screen, so that something else can be written; the next update draws it again. */
  clear(): void;
}

const steps = 1000;

/** Opens a bar on stderr; where that is no terminal, one that shows nothing. */
export function openProgressBar(clock: Clock = systemClock): ProgressBar {
  if (!process.stderr.isTTY) {
    return { update: () => undefined, clear: () => undefined };
  }
  const bar = new cliProgress.SingleBar({
    format: '{target} [{bar}] {percentage}% | {rows} rows{rate}{at} | {eta_formatted}',
    stream: process.stderr,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    etaBuffer: 50,
    // A word, `INF`, until there is something to go by.
    formatTime: (seconds) => (Number.isFinite(seconds) ? `${duration(seconds * 1000)} left` : 'starting'),
    gracefulExit: false,
  });
  let position = new Position();
  let target: string | null = null;
  let startedAtMs = clock.now();
  return {
    update: (progress) => {
      if (progress.target !== target) {
        bar.stop();
        target = progress.target;
        startedAtMs = clock.now();
        position = new Position();
      }
      const doneMs = position.after(progress);
      const value = progress.totalMs <= 0 ? steps : Math.floor((steps * doneMs) / progress.totalMs);
      const labels = {
        target,
        rows: count(progress.rowsRead),
        rate: rateOf(progress, clock.now() - startedAtMs),
        at: placeOf(progress, doneMs),
      };
      if (bar.isActive) {
        bar.update(value, labels);
      } else {
        bar.start(steps, value, labels);
      }
    },
    clear: () => bar.stop(),
  };
}

/** Nothing in the first second, which tells nothing. */
function rateOf({ rowsRead }: Progress, tookMs: number): string {
  return tookMs < 1000 ? '' : ` at ${count(Math.round((1000 * rowsRead) / tookMs))}/s`;
}

function placeOf({ atMs, doneMs }: Progress, shownMs: number): string {
  return atMs === null ? '' : ` | up to ${shownAt(Math.floor(atMs + shownMs - doneMs))}`;
}

/**
 * Where in time a run is, estimated between two proven points from the rows read since: a slice takes many requests, and a
 * bar that stands still looks broken.
 */
export class Position {
  #provenMs: number | null = null;
  #provenRows = 0;
  #rowsPerMs = 0;
  #shownMs = Number.NEGATIVE_INFINITY;

  /** Milliseconds done after some progress; never goes back, never beyond the end. */
  after({ doneMs, totalMs, rowsRead }: Progress): number {
    if (this.#provenMs === null || doneMs > this.#provenMs) {
      this.#provenMs = doneMs;
      this.#provenRows = rowsRead;
      this.#rowsPerMs = doneMs > 0 ? rowsRead / doneMs : 0;
    }
    const rowsSince = rowsRead - this.#provenRows;
    const estimatedMs = this.#rowsPerMs > 0 ? doneMs + rowsSince / this.#rowsPerMs : doneMs;
    this.#shownMs = Math.max(this.#shownMs, Math.min(estimatedMs, totalMs));
    return this.#shownMs;
  }
}
