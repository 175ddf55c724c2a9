/** Describes the plan and the result of a rewind. Pure except for colors. */
import type { EpochMs } from '../../model.ts';
import { counted, shortTime, shownAt } from '../terminal/formats.ts';
import { paint } from '../terminal/output.ts';

/** A target and its rewind. Names are those of `rewind --json`. */
export interface RewindReport {
  readonly target: string;
  /** The watermark before; null if no incremental run has covered anything. */
  readonly watermark: string | null;
  /** The watermark after. */
  readonly to: string | null;
  /** Number of covered executions that will be read again. */
  readonly rowsAgain: number;
  readonly changed: boolean;
}

/** Describes the plan in one line. */
export function describePlan(target: string, watermarkMs: EpochMs | null, toMs: EpochMs, rows: number | null): string {
  const title = paint.bold(target);
  if (watermarkMs === null) {
    return `${title}  nothing to rewind: no sync has covered anything yet`;
  }
  const watermark = shownAt(watermarkMs);
  if (rows === null) {
    return `${title}  nothing to rewind: it is complete only up to ${watermark}`;
  }
  return `${title}  complete up to ${watermark} now, up to ${paint.bold(shownAt(toMs))} after; about ${counted(rows, 'execution')} to be read again`;
}

/** Describes the result in one line. */
export function describeRewound({ target, watermark, to, rowsAgain }: RewindReport): string {
  const from = watermark === null ? 'nothing' : shortTime(watermark);
  const now = to === null ? 'nothing' : shortTime(to);
  return `${paint.green('✓')} ${paint.bold(target)}  rewound from ${from} to ${now}; about ${counted(rowsAgain, 'execution')} will be read again`;
}

/** Explains what happens next. */
export const whatNext =
  'The next sync, scheduled or with "dqsync sync", reads from there and writes every row again. The view shows each execution once. To only fill a gap, use "dqsync backfill" instead.';
