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

/** Adds the rows of a reply. */
export function addReply({ seen, unreadable }: Collected, { page, keys }: Reply): void {
  const { executions, receivedAtMs } = page;
  for (const [index, execution] of executions.entries()) {
    keepNewer(seen, keys[index] ?? '', { execution, receivedAtMs });
  }
  for (const [index, row] of page.unreadable.entries()) {
    unreadable.set(keys[executions.length + index] ?? '', row);
  }
}

/** Keeps the later observation. Replies can overtake each other, so a settled execution never becomes open again. */
function keepNewer(into: Map<string, Seen>, key: string, candidate: Seen): void {
  const known = into.get(key);
  const isSameKind = known !== undefined && isOpen(known.execution) === isOpen(candidate.execution);
  const isLater = known === undefined || candidate.receivedAtMs >= known.receivedAtMs;
  if (known === undefined || (isSameKind ? isLater : isOpen(known.execution))) {
    into.set(key, candidate);
  }
}
