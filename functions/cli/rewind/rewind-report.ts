/** What a rewind will do to a target, and what it did, in words. Pure but for colours. */
import type { EpochMs } from '../../model.ts';
import { counted, shortTime, shownAt } from '../terminal/formats.ts';
import { paint } from '../terminal/output.ts';

/** A target and its rewind. Names are those of `rewind --json`. */
export interface RewindReport {
  readonly target: string;
  /** The watermark before; null where no incremental run has covered anything. */
  readonly watermark: string | null;
  /** The watermark after. */
  readonly to: string | null;
  /** Executions that will be read again, by coverage's count. */
  readonly rowsAgain: number;
  readonly changed: boolean;
}

/** What would be done, a line. */
export function describePlan(target: string, watermarkMs: EpochMs | null, toMs: EpochMs, rows: number | null): string {
  const title = paint.bold(target);
  if (watermarkMs === null) {
    return `${title}  nothing to take back: no sync has covered anything yet`;
  }
  const watermark = shownAt(watermarkMs);
  if (rows === null) {
    return `${title}  nothing to take back: it is complete up to ${watermark} only`;
  }
  return `${title}  complete up to ${watermark} now, up to ${paint.bold(shownAt(toMs))} after; about ${counted(rows, 'execution')} to be read again`;
}

/** What was done, a line. */
export function describeRewound({ target, watermark, to, rowsAgain }: RewindReport): string {
  const from = watermark === null ? 'nothing' : shortTime(watermark);
  const now = to === null ? 'nothing' : shortTime(to);
  return `${paint.green('✓')} ${paint.bold(target)}  rewound from ${from} to ${now}; about ${counted(rowsAgain, 'execution')} will be read again`;
}

/** What happens next. */
export const whatNext =
  'The next sync, scheduled or "dqsync sync", reads from there on, and writes what it finds again, changed or not; the view keeps showing each execution once. To fill a gap, none of this is needed: "dqsync backfill" does.';
