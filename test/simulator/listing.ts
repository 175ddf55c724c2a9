/**
 * The rows that one workspace of the source lists, sorted by start time and id, so that a page costs two binary
 * searches. `advance(now)` adds and removes the rows that have appeared and vanished by then; time never goes back.
 */
import type { EpochMs } from '../../functions/model.ts';
import { compareIds } from './snowflake.ts';
import type { Entry } from './timeline.ts';

/** Batches up to this size are inserted row by row, larger ones by sorting all rows again. */
const smallBatch = 32;

/** The rows of one workspace. */
export class Listing {
  #live: Entry[] = [];
  /** Latest first, so that the next one can be popped from the end. */
  #toAppear: Entry[] = [];
  #toVanish: Entry[] = [];
  readonly #vanished: Entry[] = [];
  #newestById: Map<string, Entry> | null = null;
  #changes = 0;

  /** Adds rows, each of which appears at its `visibleAtMs`, or immediately if that is past. */
  add(entries: readonly Entry[], nowMs: EpochMs): void {
    const due = entries.filter((entry) => entry.visibleAtMs <= nowMs);
    const later = entries.filter((entry) => entry.visibleAtMs > nowMs);
    if (due.length > 0) {
      this.#appear(due);
    }
    this.#toAppear = withEntries(this.#toAppear, later, (a, b) => b.visibleAtMs - a.visibleAtMs);
    this.advance(nowMs);
  }

  /** Adds the rows that have appeared, and removes those that have vanished, by `nowMs`. */
  advance(nowMs: EpochMs): void {
    const due = popDue(this.#toAppear, (entry) => entry.visibleAtMs <= nowMs);
    if (due.length > 0) {
      this.#appear(due);
    }
    const leaving = popDue(this.#toVanish, (entry) => entry.goneAtMs <= nowMs);
    if (leaving.length > smallBatch) {
      const gone = new Set(leaving);
      this.#live = this.#live.filter((entry) => !gone.has(entry));
      this.#changes += 1;
      this.#vanished.push(...leaving);
      this.#newestById = null;
    } else {
      for (const entry of leaving) {
        this.#take(entry);
      }
    }
  }

  /** Removes a live row now. */
  vanish(entry: Entry, nowMs: EpochMs, because: 'rerun' | 'removed'): void {
    entry.goneAtMs = nowMs;
    entry.goneBecause = because;
    this.#toVanish = this.#toVanish.filter((other) => other !== entry);
    this.#toAppear = this.#toAppear.filter((other) => other.idText !== entry.idText);
    this.#take(entry);
  }

  /** Returns the live row with this id. Throws if there is none. */
  find(id: bigint | string): Entry {
    const entry = this.tryFind(id);
    if (entry === undefined) {
      throw new Error(`the source lists no instance ${id} now`);
    }
    return entry;
  }

  /** Returns the live row with this id; undefined if there is none. */
  tryFind(id: bigint | string): Entry | undefined {
    this.#newestById ??= this.#indexAll();
    return this.#newestById.get(String(id));
  }

  /** The rows listed now, by start time, then by id. */
  get live(): readonly Entry[] {
    return this.#live;
  }

  /** Increases whenever rows appear or vanish. */
  get changes(): number {
    return this.#changes;
  }

  /** The rows that are no longer listed, in the order in which they vanished. */
  get vanished(): readonly Entry[] {
    return this.#vanished;
  }

  /** Returns the index of the first live row with `start_time` ≥ `ms` (or > `ms`). */
  indexAt(ms: EpochMs, edge: 'at-or-after' | 'after'): number {
    return countBefore(
      this.#live,
      edge === 'after' ? ({ startTimeMs }) => startTimeMs <= ms : ({ startTimeMs }) => startTimeMs < ms,
    );
  }

  #appear(entries: readonly Entry[]): void {
    this.#changes += 1;
    this.#live = withEntries(this.#live, entries, compareEntries);
    const leaving = entries.filter((entry) => entry.goneAtMs < Number.POSITIVE_INFINITY);
    this.#toVanish = withEntries(this.#toVanish, leaving, (a, b) => b.goneAtMs - a.goneAtMs);
    if (this.#newestById !== null) {
      for (const entry of entries) {
        index(this.#newestById, entry);
      }
    }
  }

  #take(entry: Entry): void {
    const index = this.#live.indexOf(entry, this.indexAt(entry.startTimeMs, 'at-or-after'));
    if (index < 0) {
      throw new Error(`instance ${entry.idText} is not listed now`);
    }
    this.#live.splice(index, 1);
    this.#changes += 1;
    this.#vanished.push(entry);
    if (this.#newestById?.get(entry.idText) === entry) {
      this.#newestById.delete(entry.idText);
    }
  }

  #indexAll(): Map<string, Entry> {
    const byId = new Map<string, Entry>();
    for (const entry of this.#live) {
      index(byId, entry);
    }
    return byId;
  }
}

/** Adds entries to sorted ones, behind those that are equal. May change `sorted`. */
function withEntries(sorted: Entry[], added: readonly Entry[], compare: (a: Entry, b: Entry) => number): Entry[] {
  if (added.length > smallBatch) {
    return sorted.concat(added).sort(compare);
  }
  for (const entry of added) {
    const index = countBefore(sorted, (other) => compare(other, entry) <= 0);
    sorted.splice(index, 0, entry);
  }
  return sorted;
}

/** Returns how many entries, from the first one, fulfill `isBefore`. */
function countBefore(entries: readonly Entry[], isBefore: (entry: Entry) => boolean): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(entries[middle] as Entry)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function compareEntries(a: Entry, b: Entry): number {
  return a.startTimeMs - b.startTimeMs || compareIds(a.idText, b.idText);
}

function index(byId: Map<string, Entry>, entry: Entry): void {
  if (entry.rawText === null) {
    byId.set(entry.idText, entry);
  }
}

function popDue(latestFirst: Entry[], isDue: (entry: Entry) => boolean): Entry[] {
  const due: Entry[] = [];
  for (let next = latestFirst.at(-1); next !== undefined && isDue(next); next = latestFirst.at(-1)) {
    due.push(next);
    latestFirst.pop();
  }
  return due;
}
