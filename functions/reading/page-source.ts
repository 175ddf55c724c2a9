/** The source as reading sees it: one window, one reply. Pure over `fetchPage`. */
import { SourceError } from '../errors.ts';
import {
  type EpochMs,
  executionKey,
  type FetchPage,
  maxPageRows,
  type Page,
  type PageFilter,
  type Window,
} from '../model.ts';
import type { Evidence } from './evidence.ts';

/** What every read of one run of one target works with. */
export interface PageSource {
  readonly fetchPage: FetchPage;
  readonly filter: PageFilter;
  /** Shared by all reads of the run; updated by every reply. */
  readonly evidence: Evidence;
  /** How many windows to read at once just now, at least 1. */
  readonly inFlight: () => number;
  /** Is told the number of rows of every reply, for progress. */
  readonly onRows: (rows: number) => void;
}

/** A reply with what every rule asks of it. */
export interface Reply {
  readonly page: Page;
  /** Rows, readable or not. */
  readonly rows: number;
  readonly count: number | null;
  /** One key a row: executions in the order shown, then unreadable rows. */
  readonly keys: readonly string[];
  readonly distinct: number;
  /** Start times of the readable rows in the order shown. */
  readonly times: readonly EpochMs[];
  /** The number of its request in the run. */
  readonly turn: number;
}

/** Makes a reply of a page, to the request of the given turn. */
export function replyOf(page: Page, turn: number): Reply {
  const keys = page.executions.map(executionKey);
  for (const row of page.unreadable) {
    keys.push(`unreadable ${row.rawText}`);
  }
  return {
    page,
    rows: keys.length,
    count: page.count,
    keys,
    distinct: new Set(keys).size,
    times: page.executions.map(({ startTimeMs }) => startTimeMs),
    turn,
  };
}

/** Whether two replies show the same rows, each as often, whatever their order or state. */
export function showSame(a: Reply, b: Reply): boolean {
  const keys = b.keys.toSorted();
  return a.rows === b.rows && a.keys.toSorted().every((key, index) => key === keys[index]);
}

/**
 * Asks for a window from `offset` on. Whether the source counts the ends of a span as inside is not documented, so the
 * closed span `[fromMs, toMs - 1]` is asked for 1 ms wider at both ends: even with exclusive ends nothing is left out.
 *
 * Returns null where the source refuses the request (HTTP 400) for an offset that is too deep, or a span that may be longer
 * than it accepts.
 *
 * @throws what `fetchPage` throws else
 */
export async function ask(source: PageSource, window: Window, offset = 0): Promise<Reply | null> {
  return await source.evidence.turns.whenFree(() => send(source, window, offset));
}

/**
 * Asks twice with nothing else sent in between, so that at most one of both replies is wrong by itself. Asks once where
 * `before` is the reply to the last request that was sent.
 *
 * @returns both replies, the first one alone if it may have been cut off; null where the source refuses the request
 * @throws what `fetchPage` throws
 */
export async function askTwice(
  source: PageSource,
  window: Window,
  before: Reply | null = null,
  offset = 0,
): Promise<readonly [Reply, ...Reply[]] | null> {
  const { evidence } = source;
  return await evidence.turns.alone(async () => {
    const isLast = before !== null && evidence.turns.isLast(before.turn);
    const first = isLast ? before : await send(source, window, offset);
    if (first === null || (before === null && !evidence.isShort(first.rows))) {
      return first && [first];
    }
    const second = await send(source, window, offset);
    return second && [first, second];
  });
}

async function send(source: PageSource, window: Window, offset: number): Promise<Reply | null> {
  const { fetchPage, filter, evidence, onRows } = source;
  const turn = evidence.turns.take();
  const span = { startTimeMs: window.fromMs - 1, endTimeMs: window.toMs };
  try {
    const page = await fetchPage({ ...span, filter, limit: maxPageRows, offset });
    const reply = replyOf(page, turn);
    evidence.note(window, offset, reply);
    onRows(reply.rows);
    return reply;
  } catch (thrown) {
    const isRefusal = thrown instanceof SourceError && thrown.httpStatus === 400;
    if (isRefusal && (offset > 0 || evidence.hints.noteRefusal(window))) {
      return null;
    }
    throw thrown;
  }
}

/**
 * Makes the first request of a run (R0): one long span, which shows the page size, whether counts exceed pages, and how
 * dense the source is. Asks once more where the reply is empty.
 *
 * @returns the reply and the window it is of: shorter than asked for where the source limits spans, from the end back
 */
export async function calibrate(source: PageSource, span: Window): Promise<{ window: Window; reply: Reply }> {
  const { hints } = source.evidence;
  for (;;) {
    const window = { fromMs: Math.max(span.fromMs, span.toMs - hints.maxSpanMs), toMs: span.toMs };
    const reply = await ask(source, window);
    if (reply !== null) {
      const pair = reply.rows === 0 ? await askTwice(source, window, reply) : null;
      return { window, reply: pair?.[1] ?? reply };
    }
  }
}
