/** The source as `reading/` sees it: asks for a window, gets one reply. Pure over `fetchPage`. */
import { IncompleteReadError, SourceError } from '../errors.ts';
import {
  type EpochMs,
  executionKey,
  type FetchPage,
  maxPageRows,
  type Page,
  type PageFilter,
  type PageRequest,
  type Window,
} from '../model.ts';
import type { SourceProfile } from './source-profile.ts';

/** What all reads of one run of one target share. */
export interface PageSource {
  readonly fetchPage: FetchPage;
  readonly filter: PageFilter;
  /** Updated by every reply. */
  readonly profile: SourceProfile;
  /** How many windows to read at once now, at least 1. */
  readonly inFlight: () => number;
  /** Called with the number of rows of every reply, for progress. */
  readonly onRows: (rows: number) => void;
  /** Whether it probably fails to deliver the windows that are asked for, because it failed with a longer one. */
  readonly isDoubtful?: boolean;
}

/** A page with the figures that the rules need. */
export interface Reply {
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
}

/**
 * Makes a reply of a page.
 *
 * @param turn the number of its request
 * @param longest the most rows in one reply before it
 */
export function replyOf(page: Page, turn: number, longest: number): Reply {
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
    isShort: keys.length < Math.max(longest, 2),
    times: page.executions.map(({ startTimeMs }) => startTimeMs),
    turn,
  };
}

/** Returns whether two replies show the same rows, each as often, in any order or state. */
export function showSame(a: Reply, b: Reply): boolean {
  const keys = b.keys.toSorted();
  return a.rows === b.rows && a.keys.toSorted().every((key, index) => key === keys[index]);
}

/**
 * Requests a window from `offset` on, 1 ms wider at both ends: the documentation does not say whether ends are
 * inclusive.
 *
 * Returns null if the source refuses an offset as too deep, or a span that may be too long (HTTP 400).
 *
 * @throws UndeliveredError if the source fails to answer this request but answers another; what `fetchPage` throws in
 * every other case
 */
export async function ask(source: PageSource, window: Window, offset = 0): Promise<Reply | null> {
  return await orUndelivered(
    source,
    window,
    source.profile.turns.whenFree(() => send(source, window, offset)),
  );
}

/**
 * Requests a window as `ask` does, only to learn from it: also returns null if the source fails to answer this request
 * but answers others.
 *
 * @throws what `fetchPage` throws in every other case
 */
export async function askIfAnswered(source: PageSource, window: Window): Promise<Reply | null> {
  try {
    return await ask(source, window);
  } catch (thrown) {
    if (thrown instanceof UndeliveredError) {
      return null;
    }
    throw thrown;
  }
}

/**
 * Requests a window twice with no other request in between, so that at most one of the two replies is wrong by itself.
 * Requests it once if `before` is the reply to the run's last request.
 *
 * @returns both replies, or only the first if it may have been cut off; null if the source refuses the request
 * @throws as `ask` does
 */
export async function askTwice(
  source: PageSource,
  window: Window,
  before: Reply | null = null,
  offset = 0,
): Promise<readonly [Reply, ...Reply[]] | null> {
  const { profile } = source;
  const looking = profile.turns.alone(async (): Promise<readonly [Reply, ...Reply[]] | null> => {
    const isLast = before !== null && profile.turns.isLast(before.turn);
    const first = isLast ? before : await send(source, window, offset);
    if (first === null || (before === null && !first.isShort)) {
      return first && [first];
    }
    const second = await send(source, window, offset);
    return second && [first, second];
  });
  return await orUndelivered(source, window, looking);
}

async function send(source: PageSource, window: Window, offset: number): Promise<Reply | null> {
  const { fetchPage, filter, profile, onRows, isDoubtful } = source;
  const turn = profile.turns.take();
  const span = { startTimeMs: window.fromMs - 1, endTimeMs: window.toMs };
  const request = { ...span, filter, limit: maxPageRows, offset, isDoubtful };
  try {
    const page = await fetchPage(request);
    const reply = replyOf(page, turn, profile.pageRows);
    profile.note(window, offset, reply);
    profile.hints.answered = request;
    onRows(reply.rows);
    return reply;
  } catch (thrown) {
    const isRefusal = thrown instanceof SourceError && thrown.httpStatus === 400;
    if (isRefusal && (offset > 0 || profile.hints.noteRefusal(window))) {
      return null;
    }
    throw thrown;
  }
}

/** The source fails to deliver a window, although it has just answered another request. */
export class UndeliveredError extends IncompleteReadError {
  readonly failure: SourceError;
  /** The answer. Its rows may leave the source before they are shown again. */
  readonly answer: Reply;

  constructor(window: Window, failure: SourceError, answer: Reply) {
    super(window, null, 0, failure);
    this.failure = failure;
    this.answer = answer;
  }
}

/** Turns a failure into an UndeliveredError of the window if the source still answers another request. */
async function orUndelivered<T>(source: PageSource, window: Window, asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (thrown) {
    const { answered } = source.profile.hints;
    if (answered === null || !mayBeOfRequest(thrown)) {
      throw thrown;
    }
    const answer = await answerTo(source, answered);
    throw answer === null ? thrown : new UndeliveredError(window, thrown, answer);
  }
}

/** Returns whether an error may concern only what was requested. */
export function mayBeOfRequest(thrown: unknown): thrown is SourceError {
  return thrown instanceof SourceError && thrown.mayBeOfRequest;
}

/** Repeats a request that was answered before, to distinguish a failing source from a failing window. */
async function answerTo({ fetchPage, profile }: PageSource, request: PageRequest): Promise<Reply | null> {
  const { turns } = profile;
  try {
    return await turns.whenFree(async () => {
      const turn = turns.take();
      return replyOf(await fetchPage({ ...request, isDoubtful: false }), turn, profile.pageRows);
    });
  } catch (thrown) {
    if (thrown instanceof SourceError) {
      return null;
    }
    throw thrown;
  }
}
