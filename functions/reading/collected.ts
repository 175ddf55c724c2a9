/**
 * The rows that the pages of a window returned, by key. Pure.
 *
 * A row returned twice by different pages is one row. A row that stands twice in one reply may be two to the source's
 * `count`, because one reply is a snapshot; or it stands there in place of another: so each key carries the most times
 * that any single page showed it, and `proof.ts` says when they count. Unreadable rows take part under their text.
 */
import { type EpochMs, type Execution, executionKey, isOpen, type Page, type UnreadableRow } from '../model.ts';

/** An execution and when the reply that showed it had arrived. */
export interface Seen {
  readonly execution: Execution;
  readonly receivedAtMs: EpochMs;
}

/** Rows by key. */
export interface Collected {
  readonly seen: Map<string, Seen>;
  readonly unreadable: Map<string, UnreadableRow>;
  /** Keys that one page showed more than once, with how often. */
  readonly repeats: Map<string, number>;
}

const unreadablePrefix = 'unreadable ';

/** Whether a key stands for a row that could not be read: nothing tells when that one starts. */
export function isUnreadableKey(key: string): boolean {
  return key.startsWith(unreadablePrefix);
}

/** Nothing yet. */
export function emptyCollected(): Collected {
  return { seen: new Map(), unreadable: new Map(), repeats: new Map() };
}

/** How many different rows these are. */
export function distinctCount(collected: Collected): number {
  return collected.seen.size + collected.unreadable.size;
}

/**
 * How many rows the source has shown, as long as no reply shows one in place of another.
 *
 * @param repeats the keys that count more than once, with how often
 */
export function rowCount(collected: Collected, repeats: ReadonlyMap<string, number> = collected.repeats): number {
  let extraRows = 0;
  for (const times of repeats.values()) {
    extraRows += times - 1;
  }
  return distinctCount(collected) + extraRows;
}

/** Adds a page's rows. Returns the start times of executions which an earlier page had shown already. */
export function addPage(collected: Collected, page: Page): EpochMs[] {
  const timesInPage = new Map<string, number>();
  const known: EpochMs[] = [];
  for (const execution of page.executions) {
    const key = executionKey(execution);
    const times = (timesInPage.get(key) ?? 0) + 1;
    timesInPage.set(key, times);
    if (times > 1) {
      collected.repeats.set(key, Math.max(collected.repeats.get(key) ?? 1, times));
    } else if (collected.seen.has(key)) {
      known.push(execution.startTimeMs);
    }
    keepNewer(collected.seen, key, { execution, receivedAtMs: page.receivedAtMs });
  }
  for (const row of page.unreadable) {
    const key = `${unreadablePrefix}${row.rawText}`;
    const times = (timesInPage.get(key) ?? 0) + 1;
    timesInPage.set(key, times);
    if (times > 1) {
      collected.repeats.set(key, Math.max(collected.repeats.get(key) ?? 1, times));
    }
    collected.unreadable.set(key, row);
  }
  return known;
}

/** Adds all of `from` to `into`. */
export function mergeCollected(into: Collected, from: Collected): void {
  for (const [key, seen] of from.seen) {
    keepNewer(into.seen, key, seen);
  }
  for (const [key, row] of from.unreadable) {
    into.unreadable.set(key, row);
  }
  for (const [key, times] of from.repeats) {
    into.repeats.set(key, Math.max(into.repeats.get(key) ?? 1, times));
  }
}

/** Of two sightings the later one counts; but replies can overtake each other, and an outcome is never taken back. */
function keepNewer(seen: Map<string, Seen>, key: string, candidate: Seen): void {
  const known = seen.get(key);
  if (known === undefined) {
    seen.set(key, candidate);
    return;
  }
  const knownOpen = isOpen(known.execution);
  const candidateOpen = isOpen(candidate.execution);
  const replaces = knownOpen === candidateOpen ? candidate.receivedAtMs >= known.receivedAtMs : knownOpen;
  if (replaces) {
    seen.set(key, candidate);
  }
}
