/** Whether the source's clocks are off: its `Date` against ours, and rows that start in the future. One request. */
import { abortAfter, type Clock, isoTime } from '../../clock.ts';
import { SourceError, StoppedError } from '../../errors.ts';
import { type EpochMs, type FetchPage, maxPageRows, type Page, type PageFilter } from '../../model.ts';
import type { SourceStats } from '../../source/requester.ts';
import { askableMs } from '../../time-range.ts';
import { counted, duration } from './formats.ts';

/** Rows may be this far ahead without a word: clocks are never quite the same. */
const toleratedMs = 60_000;

/** Rows are looked for so far ahead where a longer span is refused: some services list no more than a day at once. */
const shortMs = 86_400_000 - 60_000;

/** What the source shows of its clocks. */
export interface SourceClock {
  /** The source's clock less ours, to within a second; null where it sends no `Date`. */
  readonly skewMs: number | null;
  /** Rows dated more than a minute ahead; a full page may have more behind it. */
  readonly futureRows: number;
  readonly mayBeMore: boolean;
  readonly latestStartMs: EpochMs | null;
}

/**
 * Asks for rows that start later than now.
 *
 * @throws what the source throws
 */
export async function askSourceClock(
  source: { readonly fetchPage: FetchPage; stats(): SourceStats },
  filter: PageFilter,
  clock: Clock,
): Promise<SourceClock> {
  const startTimeMs = clock.now() + toleratedMs;
  const ask = (endTimeMs: EpochMs): Promise<Page> =>
    source.fetchPage({ startTimeMs, endTimeMs, filter, limit: maxPageRows, offset: 0 });
  const page = await ask(askableMs.last).catch((thrown: unknown) => {
    if (thrown instanceof SourceError && thrown.httpStatus === 400) {
      return ask(startTimeMs + shortMs);
    }
    throw thrown;
  });
  const starts = page.executions.map((execution) => execution.startTimeMs);
  const rows = starts.length + page.unreadable.length;
  return {
    skewMs: source.stats().clockSkewMs,
    futureRows: rows,
    mayBeMore: rows >= maxPageRows,
    latestStartMs: starts.length === 0 ? null : starts.reduce((latest, ms) => Math.max(latest, ms)),
  };
}

/** Less than this is lost in the resolution of the `Date` header. */
const noticeableSkewMs = 2_000;

/** The source's clock against ours, in words. */
export function describeSkew(skewMs: number | null): string {
  if (skewMs === null) {
    return 'its clock is not known: it sends no Date';
  }
  const apart = Math.abs(skewMs);
  if (apart < noticeableSkewMs) {
    return 'its clock agrees with ours';
  }
  return `its clock is ${duration(apart)} ${skewMs < 0 ? 'behind' : 'ahead of'} ours`;
}

/** Rows dated in the future, in words. */
export function describeFutureRows({ futureRows, mayBeMore, latestStartMs }: SourceClock): string {
  const latest = latestStartMs === null ? '' : `, the latest ${isoTime(latestStartMs)}`;
  return `${mayBeMore ? 'at least ' : ''}${counted(futureRows, 'row')} dated in the future${latest}`;
}

/** A limit for asking a source that may not answer. `cancel` frees the timer. */
export function answerWithin(ms: number): { signal: AbortSignal; cancel: () => void } {
  return abortAfter(
    ms,
    () =>
      new StoppedError(`the source gave no answer within ${ms / 1000} seconds`, {
        remedy: 'Check source.endpoint and that this machine reaches it.',
      }),
  );
}
