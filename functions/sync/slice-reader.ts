/**
 * Reads spans slice by slice, several in parallel so that requests continue while one slice waits for a reply. Returns
 * the slices in order of time, each with the parts that are proven complete.
 *
 * A slice has a few thousand rows by the density seen so far. It is committed as a whole: long enough that its partly
 * filled last page costs little, and short enough that many fit into the time left and a kill loses little work.
 */
import { edgeToleranceMs } from '../checkpoint/checkpoint.ts';
import type { IncompleteReadError } from '../errors.ts';
import { containsAny, cutAt, gapsIn, inOrder, lengthOf, spanMs, unionOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import type { Collected, Seen } from '../reading/collected.ts';
import type { PageSource } from '../reading/page-source.ts';
import { readWindow, type WindowRead } from '../reading/read-window.ts';

/** A slice, its parts that are proven complete, and their rows. */
export interface ReadSlice {
  readonly window: Window;
  /** Disjoint, in order of time; normally the whole window. */
  readonly proven: readonly Window[];
  readonly unproven: readonly IncompleteReadError[];
  readonly collected: Collected;
  /** When its read began, by our clock. Rows that appeared later may be missing. */
  readonly begunAtMs: EpochMs;
  /** Rows that start earlier could only leave during the read. */
  readonly settledUntilMs: EpochMs;
}

/** What to read, and how. */
export interface SliceReading {
  readonly source: PageSource;
  /** Disjoint, in order of time. */
  readonly spans: readonly Window[];
  /** Slices after this time begin once everything before it was read. Without it, the order does not matter. */
  readonly barrierMs?: EpochMs | null;
  /** The start time before which rows only leave. Called for each slice: the first reply shows the source's clock. */
  readonly settledUntilMs: () => EpochMs;
  /** The next run reads again all rows that start at this time or later; none if absent. */
  readonly rereadFromMs?: EpochMs;
  /** Rows shown before. Those in `spans` are returned, even if they leave the source before they are read again. */
  readonly shown?: Collected | undefined;
  /** Density known from earlier runs; null without one. */
  readonly rowsPerMs: number | null;
  /** How many rows can be read in the time left. */
  readonly rowsInTimeLeft: () => number;
  readonly now: () => EpochMs;
}

/** Maximum rows of a slice: 50 pages, so that the half page lost at its end costs 1 %. */
const maxSliceRows = 5_000;
/** Minimum rows of a slice that is shortened so that several can be read in parallel. */
const minSliceRows = 2_500;
const leastRows = 100;
/** A rest shorter than this share of a slice is joined to it. */
const joinedRest = 0.3;
/** A slice stops at this multiple of the rows it aims at; the rest becomes new slices. */
const toleratedFactor = 2;

/** A slice in flight. */
interface BegunSlice extends Pick<ReadSlice, 'window' | 'begunAtMs' | 'settledUntilMs'> {
  /** The slice is read again if the revision of the profile has changed when it ends. */
  readonly revision: number;
  readonly read: Promise<WindowRead>;
}

/** Reads the spans in order of time. */
export class SliceReader {
  readonly #reading: SliceReading;
  #rowsPerMs: number | null;
  /** Rows of unproven parts. They are kept in case they leave the source before the part is read again. */
  readonly #carried: Map<string, Seen>;
  /** Everything that was proven. */
  #proven: readonly Window[] = [];
  /** Keys of returned rows at the ends of proven parts. Requests for the parts beside them show these rows again. */
  readonly #atEnds = new Set<string>();
  #unread: readonly Window[];
  readonly #begun: BegunSlice[] = [];
  #failure: unknown = null;
  #revision: number;

  constructor(reading: SliceReading) {
    this.#reading = reading;
    this.#rowsPerMs = reading.rowsPerMs;
    this.#unread = reading.spans;
    this.#revision = reading.source.profile.revision;
    this.#carried = new Map(reading.shown?.seen);
  }

  /** The spans still to be read, in order of time, including the slices in flight. */
  get rest(): readonly Window[] {
    return inOrder([...this.#unread, ...this.#begun.map(({ window }) => window)]);
  }

  /** Rows that replies have shown of parts that are not proven. */
  get leftOver(): ReadonlyMap<string, Seen> {
    return this.#carried;
  }

  /** Replaces what is still to be read, for example after another run covered some of it. Slices in flight continue. */
  keepOnly(spans: readonly Window[]): void {
    const begun = inOrder(this.#begun.map(({ window }) => window));
    this.#unread = spans.flatMap((span) => gapsIn(span, begun));
  }

  /** Returns whether trust was revoked since the last call. What is not committed must then be read again. */
  takeRevocation(): boolean {
    const { revision } = this.#reading.source.profile;
    const isRevoked = revision !== this.#revision;
    this.#revision = revision;
    return isRevoked;
  }

  /**
   * Returns the next slice; null at the end. If the source fails, first returns what was proven until then.
   *
   * @throws what `fetchPage` threw, after the last slice
   */
  async next(): Promise<ReadSlice | null> {
    this.#begin();
    const [slice] = this.#begun;
    if (slice === undefined) {
      if (this.#failure !== null) {
        throw this.#failure;
      }
      return null;
    }
    const read = await slice.read;
    this.#begun.shift();
    return this.#take(slice, read);
  }

  /** Starts slices until enough are in flight. Without a density, the first slice is the whole span. */
  #begin(): void {
    const { source, rereadFromMs = Number.POSITIVE_INFINITY, rowsInTimeLeft, now } = this.#reading;
    const { revision } = source.profile;
    const barrierMs = this.#reading.barrierMs ?? Number.POSITIVE_INFINITY;
    const isBehind = ({ fromMs }: Window): boolean => fromMs >= barrierMs;
    const inFlight = source.inFlight();
    while (this.#failure === null && this.#begun.length < (this.#rowsPerMs === null ? 1 : inFlight)) {
      const unread = this.#unread.flatMap((span) => cutAt(span, [barrierMs]));
      const [span, ...others] = unread;
      if (span === undefined || (isBehind(span) && !this.#begun.every(({ window }) => isBehind(window)))) {
        return;
      }
      const shareRows = Math.max(minSliceRows, (lengthOf(unread) * (this.#rowsPerMs ?? 0)) / inFlight);
      const aimedRows = Math.max(leastRows, Math.min(maxSliceRows, shareRows, rowsInTimeLeft()));
      const window = this.#firstPart(span, aimedRows);
      this.#unread = [...gapsIn(span, [window]), ...others];
      const settledUntilMs = this.#reading.settledUntilMs();
      const isEnough = ({ seen }: Collected, proven: readonly Window[]): boolean =>
        proven.length > 0 && seen.size >= aimedRows * toleratedFactor;
      const read = readWindow(source, { window, settledUntilMs, rereadFromMs, isEnough });
      this.#begun.push({ window, begunAtMs: now(), settledUntilMs, revision, read });
      // The rest of an earlier slice comes before slices that were begun in the meantime.
      this.#begun.sort((a, b) => a.window.fromMs - b.window.fromMs);
    }
  }

  /** Returns the part of a span that has about as many rows; as long as the source accepts if the density is unknown. */
  #firstPart(span: Window, rows: number): Window {
    const { maxSpanMs } = this.#reading.source.profile.hints;
    const aimedMs = Math.min(maxSpanMs, this.#rowsPerMs ? rows / this.#rowsPerMs : Number.POSITIVE_INFINITY);
    // No row starts between two whole seconds.
    const cutMs = Math.floor((span.fromMs + aimedMs) / 1000) * 1000 + 500;
    const isJoined = aimedMs * (1 + joinedRest) >= spanMs(span) && spanMs(span) <= maxSpanMs;
    const toMs = isJoined || cutMs <= span.fromMs ? span.toMs : Math.min(cutMs, span.toMs);
    return { fromMs: span.fromMs, toMs };
  }

  #take({ window, begunAtMs, settledUntilMs, revision }: BegunSlice, read: WindowRead): ReadSlice {
    const isRevoked = revision !== this.#reading.source.profile.revision;
    const { proven, unproven } = isRevoked ? { proven: [], unproven: [] } : read;
    this.#failure ??= read.failure;
    const settled = inOrder([...proven, ...unproven.map((error) => error.window)]);
    this.#unread = inOrder([...gapsIn(window, settled), ...this.#unread]);
    const collected = this.#rowsOf(proven, read.collected);
    if (proven.length > 0) {
      const seenPerMs = collected.seen.size / lengthOf(proven);
      this.#rowsPerMs = this.#rowsPerMs === null ? seenPerMs : (this.#rowsPerMs + seenPerMs) / 2;
    }
    return { window, proven, unproven, collected, begunAtMs, settledUntilMs };
  }

  /**
   * Returns the rows of the proven parts, including carried rows that have left the source; carries the others until
   * their own part is proven. A row of a part that was returned before may be one that this part has not shown.
   */
  #rowsOf(proven: readonly Window[], { seen, unreadable }: Collected): Collected {
    const { source, spans } = this.#reading;
    const widened = proven.map(({ fromMs, toMs }) => ({
      fromMs: fromMs - edgeToleranceMs,
      toMs: toMs + edgeToleranceMs,
    }));
    const asked = unionOf(widened);
    const endsMs = proven.flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
    this.#proven = unionOf([...this.#proven, ...proven]);
    // If the source filters by another time than it shows, no other window may show a row.
    const isAttributable = source.profile.balancesHold;
    for (const [key, row] of this.#carried) {
      seen.set(key, seen.get(key) ?? row);
    }
    this.#carried.clear();
    for (const [key, row] of seen) {
      const { startTimeMs } = row.execution;
      // A request is wider than its window, and a row beside all that is read may leave before it is due.
      const isOwn = containsAny(containsAny(spans, startTimeMs) ? proven : asked, startTimeMs);
      const isMissed = containsAny(this.#proven, startTimeMs) && !this.#atEnds.has(key);
      if (isAttributable && !isOwn && !isMissed) {
        this.#carried.set(key, row);
        seen.delete(key);
      } else if (endsMs.some((ms) => Math.abs(ms - startTimeMs) <= edgeToleranceMs)) {
        this.#atEnds.add(key);
      }
    }
    return { seen, unreadable };
  }
}
