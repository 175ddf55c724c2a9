/** Returns the number of rows in a window from the source's count alone. */
import type { EpochMs, Window } from '../model.ts';
import { ask, type PageSource } from '../reading/page-source.ts';

/**
 * Requests a window once. Returns its count if that is exact, otherwise null. A reply without rows proves no count,
 * because it may be a glitch. Neither does a reply with an unreadable row, because the table may hold an earlier,
 * readable state of it. The ends of a window are exact only between whole seconds.
 *
 * @throws what `fetchPage` throws
 */
export async function exactCountOf(source: PageSource, { fromMs, toMs }: Window): Promise<number | null> {
  const reply = await ask(source, { fromMs: halfBefore(fromMs), toMs: halfBefore(toMs) });
  const { profile } = source;
  if (reply === null || reply.rows === 0 || reply.page.unreadable.length > 0) {
    return null;
  }
  return profile.hints.isWholeSeconds && profile.believes(reply.count) ? reply.count : null;
}

/**
 * Returns an instant between two whole seconds that has the same whole seconds before it: there it does not matter
 * whether the source counts the ends of a span as inside.
 */
function halfBefore(ms: EpochMs): EpochMs {
  return Math.ceil(ms / 1000) * 1000 - 500;
}
