/** Measures the source's clock with one request: its `Date` against ours, and rows that start in the future. */
import { abortAfter, type Clock, isoTime, roundedDuration } from '../../clock.ts';
import type { TargetConfig } from '../../config.ts';
import type { Connections } from '../../connect.ts';
import { SourceError, StoppedError } from '../../errors.ts';
import { type EpochMs, maxPageRows, type Page, type PageFilter } from '../../model.ts';
import type { Source } from '../../source/client.ts';
import { askableMs } from '../../time-range.ts';
import { counted } from './formats.ts';

/** Rows may start this far in the future without being reported, because clocks never agree exactly. */
const toleratedMs = 60_000;

/** Span of the request if a longer one is refused. Some services list no more than a day in one request. */
const shortMs = 86_400_000 - 60_000;

/** What the source shows about its clock. */
export type SourceClock = Awaited<ReturnType<typeof askSourceClock>>;

/**
 * Requests rows that start in the future.
 *
 * @throws what the source throws
 */
export async function askSourceClock(source: Pick<Source, 'fetchPage' | 'stats'>, filter: PageFilter, clock: Clock) {
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
    /** The source's clock less ours, to within a second; null if it sends no `Date`. */
    skewMs: source.stats().clockSkewMs,
    /** Rows that start more than a minute in the future: the source's count, or those of the page if that has more. */
    futureRows: Math.max(rows, page.count ?? 0),
    // Some sources return fewer rows than were requested, so even a short page may not be the last one.
    mayBeMore: rows > 0 && !isTotal(page.count, rows),
    latestStartMs: starts.length === 0 ? null : starts.reduce((latest, ms) => Math.max(latest, ms)),
  };
}

/** Whether a count is that of all rows. On a full page, an equal count may be that of the page. */
function isTotal(count: number | null, rows: number): boolean {
  return count !== null && (count > rows || (count === rows && rows < maxPageRows));
}

/** The `Date` header has a resolution of one second, so a smaller skew cannot be noticed. */
const noticeableSkewMs = 2_000;

/** Describes the source's clock compared with ours. */
export function describeSkew(skewMs: number | null): string {
  if (skewMs === null) {
    return "the source's clock is unknown: it sends no Date header";
  }
  const apart = Math.abs(skewMs);
  if (apart < noticeableSkewMs) {
    return "the source's clock agrees with this machine's";
  }
  return `the source's clock is ${roundedDuration(apart)} ${skewMs < 0 ? 'behind' : 'ahead of'} this machine's`;
}

/** Describes rows dated in the future. */
export function describeFutureRows({ futureRows, mayBeMore, latestStartMs }: SourceClock): string {
  const latest = latestStartMs === null ? '' : `, the latest ${isoTime(latestStartMs)}`;
  return `${mayBeMore ? 'at least ' : ''}${counted(futureRows, 'row')} dated in the future${latest}`;
}

/**
 * Calls `work` with the source of a target, and aborts it after `patienceMs`.
 *
 * @throws StoppedError if that was too short, and what `work` throws
 */
export async function withSource<T>(
  { connect, clock }: Pick<Connections, 'connect' | 'clock'>,
  target: TargetConfig,
  patienceMs: number,
  work: (source: Source, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const tooLong = (): StoppedError => {
    const { quotaOpensAtMs } = source.stats();
    const limit = `within ${patienceMs / 1000} seconds`;
    return quotaOpensAtMs > clock.now()
      ? new StoppedError(`source.quota allows the next request at ${isoTime(quotaOpensAtMs)}, not ${limit}`, {
          remedy: 'Run the command again after that, or raise source.quota if the source allows more requests.',
        })
      : new StoppedError(`the source did not reply ${limit}`, {
          remedy: 'Check source.endpoint, and that this machine can reach it.',
        });
  };
  const { signal, cancel } = abortAfter(patienceMs, tooLong);
  const source = connect(target, signal, () => patienceMs);
  try {
    return await work(source, signal);
  } finally {
    cancel();
    await source.close();
  }
}
