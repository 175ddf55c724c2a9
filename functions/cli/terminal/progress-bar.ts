/**
 * Progress of the current target on stderr: a bar on a terminal, removed when it is done; otherwise one line every 30
 * seconds.
 */
import cliProgress from 'cli-progress';
import { type Clock, shortDuration, systemClock } from '../../clock.ts';
import type { EpochMs } from '../../model.ts';
import type { Progress } from '../../sync/target-run.ts';
import { count, printable, shownAt } from './formats.ts';
import { defaultWidth, isQuiet, widthOf, writeNote } from './output.ts';
import { type Estimate, ProgressEstimate } from './progress-estimate.ts';

/** Shows the progress of a run. */
export interface ProgressBar {
  update(progress: Progress): void;
  /** Removes the bar so that something else can be written. The next update draws it again. */
  clear(): void;
  /** Returns how many rows a target has to read, from the source's count; null if unknown. */
  expectedRows(target: string): number | null;
}

/** Time between two lines in a pipe. */
const lineEveryMs = 30_000;
const mostCells = 24;
const leastCells = 3;

/**
 * Opens what stderr can show; nothing with `--quiet`.
 *
 * @param quotaOpensAtMs returns when the next request may be sent, a time in the past if none waits
 */
export function openProgressBar(clock: Clock = systemClock, quotaOpensAtMs: () => EpochMs = () => 0): ProgressBar {
  const expected = new Map<string, number | null>();
  let followed: { readonly target: string; readonly estimate: ProgressEstimate } | null = null;
  const show = isQuiet()
    ? silent
    : process.stderr.isTTY
      ? openBar(() => quotaOpensAtMs() - clock.now())
      : openLines(clock);
  return {
    update: (progress) => {
      if (followed?.target !== progress.target) {
        show.clear();
        followed = { target: progress.target, estimate: new ProgressEstimate(clock.now()) };
      }
      const { estimate } = followed;
      expected.set(progress.target, estimate.after(progress, clock.now()).expected);
      show.draw(progress, () => estimate.after(progress, clock.now()));
    },
    clear: () => show.clear(),
    expectedRows: (target) => expected.get(target) ?? null,
  };
}

interface Display {
  draw(progress: Progress, estimate: () => Estimate): void;
  clear(): void;
}

const silent: Display = { draw: () => undefined, clear: () => undefined };

function openBar(quotaWaitMs: () => number): Display {
  let line = (): string => '';
  const bar = new cliProgress.SingleBar({
    // Called for each drawing, several times a second, so that the time left advances while a request waits for the
    // quota.
    format: () => line(),
    stream: process.stderr,
    clearOnComplete: true,
    gracefulExit: false,
  });
  return {
    draw: (progress, estimate) => {
      line = () => barLine(progress, estimate(), widthOf(process.stderr) ?? defaultWidth, quotaWaitMs());
      if (!bar.isActive) {
        bar.start(1, 0);
      }
    },
    clear: () => bar.stop(),
  };
}

function openLines(clock: Clock): Display {
  let lastMs = clock.now();
  return {
    draw: (progress, estimate) => {
      const nowMs = clock.now();
      if (nowMs - lastMs >= lineEveryMs) {
        lastMs = nowMs;
        writeNote(barLine(progress, estimate(), defaultWidth));
      }
    },
    clear: () => undefined,
  };
}

/**
 * Formats `sales 2/15 [████░░░░] 41% | 12,000 of 29,021 rows | 812/s | 2 min left` in a number of columns.
 *
 * @param quotaWaitMs time until the quota admits the next request, which is shown in place of the rate
 */
export function barLine(progress: Progress, estimate: Estimate, columns: number, quotaWaitMs = 0): string {
  const { place } = progress;
  const { perSecond, leftMs, fraction } = estimate;
  const name = `${printable(progress.target)}${place === undefined ? '' : ` ${place.number}/${place.of}`}`;
  const rate = perSecond === null ? [] : [`${count(Math.round(perSecond))}/s`];
  const facts = [
    ...(fraction === null ? [] : [`${Math.floor(100 * fraction)}%`]),
    rowsText(progress, estimate),
    ...(quotaWaitMs >= 1000 ? [`quota wait ${shortDuration(quotaWaitMs)}`] : rate),
    leftMs !== null ? `${shortDuration(leftMs)} left` : perSecond === null ? 'starting' : 'time left unknown',
  ].join(' | ');
  const room = columns - 1 - name.length - facts.length - ' [] '.length;
  const cells = Math.max(leastCells, Math.min(mostCells, room));
  const full = Math.floor(cells * (fraction ?? 0));
  return `${name} [${'█'.repeat(full)}${'░'.repeat(cells - full)}] ${facts}`;
}

/** Without a count, shows the time that the run has reached. */
function rowsText({ atMs, unit = 'rows' }: Progress, { rows, expected }: Estimate): string {
  if (expected !== null) {
    return `${count(rows)} of ${count(expected)} ${unit}`;
  }
  return `${count(rows)} ${unit}${atMs === null || atMs === 0 ? '' : `, up to ${shownAt(atMs).slice(0, 10)}`}`;
}
