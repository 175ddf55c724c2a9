/** The rows that replies showed, each once by its key. Pure. */
import { type EpochMs, type Execution, isOpen, type UnreadableRow } from '../model.ts';
import type { Reply } from './page-source.ts';

/** An execution, and when the reply that showed it arrived. */
export interface Seen {
  readonly execution: Execution;
  readonly receivedAtMs: EpochMs;
}

/** Rows by key. */
export interface Collected {
  readonly seen: Map<string, Seen>;
  readonly unreadable: Map<string, UnreadableRow>;
}

/** Returns an empty collection. */
export function emptyCollected(): Collected {
  return { seen: new Map(), unreadable: new Map() };
}

/**
 * Adds the rows of a reply. Keeps the later observation of an execution. Replies can overtake each other, so a settled
 * one never becomes open again.
 */
export function addReply({ seen, unreadable }: Collected, { page, keys }: Reply): void {
  const { executions, receivedAtMs } = page;
  for (const [index, execution] of executions.entries()) {
    const key = keys[index] ?? '';
    const known = seen.get(key);
    const wasOpen = known === undefined || isOpen(known.execution);
    const isLater = receivedAtMs >= (known?.receivedAtMs ?? 0);
    if (wasOpen === isOpen(execution) ? isLater : wasOpen) {
      seen.set(key, { execution, receivedAtMs });
    }
  }
  for (const [index, row] of page.unreadable.entries()) {
    unreadable.set(keys[executions.length + index] ?? '', row);
  }
}
