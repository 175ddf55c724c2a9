/** The source as `reading/` sees it: asks for a window, gets one reply. Pure over `fetchPage`. */
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
import type { SourceProfile } from './source-profile.ts';

/** What all reads of one run of one target share. */
export interface PageSource {
  readonly fetchPage: FetchPage;
  readonly filter: PageFilter;
  /** Updated by every reply. */
  readonly profile: Readonly<SourceProfile>;
  /** How many windows to read in parallel now, at least 1. */
  readonly inFlight: () => number;
  /** Called with every reply. */
  readonly onReply: (reply: Reply) => void;
  /** Whether it probably fails to deliver the windows that are asked for, because it failed with a longer one. */
  readonly isDoubtful?: boolean;
}

/** A page with the figures that the rules need. */
export interface Reply {
  readonly window: Window;
  readonly page: Page;
  /** Number of rows, readable or not. */
  readonly rows: number;
  readonly count: number | null;
  /** One key per row: executions in the order shown, then unreadable rows. */
  readonly keys: readonly string[];
  readonly distinct: number;
  /**
   * Whether it has fewer rows than a reply before it, and so was not cut off. A longer reply that arrives later may come
   * from larger pages and says nothing about this one. Pages are assumed to hold at least two rows.
   */
  readonly isShort: boolean;
  /** Start times of the readable rows in the order shown. */
  readonly times: readonly EpochMs[];
  /** The number of its request within the run. */
  readonly turn: number;
  /** Whether the run's previous request was the same and showed the same rows. */
  readonly isConfirmed: boolean;
}

/** Makes a reply for a window from a page, the number of its request, and the most rows in any earlier reply. */
export function replyOf(window: Window, page: Page, turn: number, longest: number): Reply {
  const keys = page.executions.map(executionKey);
  for (const row of page.unreadable) {
    keys.push(`unreadable ${row.rawText}`);
  }
  return {
    window,
    page,
    rows: keys.length,
    count: page.count,
    keys,
    distinct: new Set(keys).size,
    isShort: keys.length < Math.max(longest, 2),
    times: page.executions.map(({ startTimeMs }) => startTimeMs),
    turn,
    isConfirmed: false,
  };
}

/** Returns whether two replies show the same rows, each as often, in any order or state. */
function showSame(a: Reply, b: Reply): boolean {
  const keys = b.keys.toSorted();
  return a.rows === b.rows && a.keys.toSorted().every((key, index) => key === keys[index]);
}

/**
 * Requests a window from `offset` on, 1 ms wider at both ends: the documentation does not say whether ends are
 * inclusive.
 *
 * Returns null if the source refuses an offset as too deep, or a span that may be too long (HTTP 400).
 *
 * @throws what `fetchPage` throws in every other case
 */
export async function ask(source: PageSource, window: Window, offset = 0): Promise<Reply | null> {
  return await source.profile.turns.whenFree(() => send(source, window, offset));
}

/**
 * Requests a window twice with no other request in between, so that at most one of the two replies is wrong by itself.
 * Requests it once if `before` is the reply to the run's last request, or if the first reply may have been cut off.
 *
 * @returns the fuller reply, the second one of equals; null if the source refuses the request
 * @throws as `ask` does
 */
export async function askTwice(
  source: PageSource,
  window: Window,
  before: Reply | null = null,
  offset = 0,
): Promise<Reply | null> {
  const { turns } = source.profile;
  return await turns.alone(async () => {
    const first = before !== null && before.turn === turns.last ? before : await send(source, window, offset);
    if (first === null || (before === null && !first.isShort)) {
      return first;
    }
    const second = await send(source, window, offset);
    const isFuller = second !== null && second.distinct >= first.distinct;
    return second && { ...(isFuller ? second : first), isConfirmed: showSame(first, second) };
  });
}

async function send(source: PageSource, window: Window, offset: number): Promise<Reply | null> {
  const { fetchPage, filter, profile, onReply, isDoubtful } = source;
  profile.turns.last += 1;
  const turn = profile.turns.last;
  const span = { startTimeMs: window.fromMs - 1, endTimeMs: window.toMs };
  try {
    const page = await fetchPage({ ...span, filter, limit: maxPageRows, offset, isDoubtful });
    const reply = replyOf(window, page, turn, profile.pageRows);
    profile.note(offset, reply);
    profile.hints.answered = offset > 0 ? profile.hints.answered : { reply, filter };
    onReply(reply);
    return reply;
  } catch (thrown) {
    const isRefusal = thrown instanceof SourceError && thrown.httpStatus === 400;
    if (isRefusal && (offset > 0 || profile.hints.noteRefusal(window))) {
      return null;
    }
    throw thrown;
  }
}
