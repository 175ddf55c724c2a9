/**
 * The positions of a window that are still to be fetched, as a queue of spans. Pure.
 *
 * Positions count rows from 0. A page that came back with fewer rows than were due leaves the rest of its span in the
 * queue, so a short page in the middle costs a request and loses nothing.
 */

/** Positions `[from, to)` due from one request. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** How often it was asked for already and nothing came. */
  readonly emptyReplies: number;
}

/** A span that came back empty this often is given up; verification then finds the window incomplete. */
const maxEmptyReplies = 2;

/** The queue of one pass. */
export class Gaps {
  readonly #spans: Span[] = [];
  /** Spans given up: the source showed nothing there although its `count` says there is something. */
  holes = 0;

  add(from: number, to: number): void {
    if (from < to) {
      this.#spans.push({ from, to, emptyReplies: 0 });
    }
  }

  /** Takes the next span of at most `rows` positions, or undefined when none is left. */
  take(rows: number): Span | undefined {
    const span = this.#spans.shift();
    if (span === undefined) {
      return undefined;
    }
    const to = Math.min(span.to, span.from + rows);
    if (to < span.to) {
      this.#spans.unshift({ ...span, from: to });
    }
    return { ...span, to };
  }

  /** Settles a span for which `rows` rows came. `wholePages`: the source counts pages, so a rest can't be asked for by itself. */
  settle(span: Span, rows: number, wholePages: boolean): void {
    const reached = span.from + rows;
    if (reached >= span.to) {
      this.#dropBefore(span.to, reached);
    } else if (rows > 0 && !wholePages) {
      this.#spans.unshift({ from: reached, to: span.to, emptyReplies: 0 });
    } else if (span.emptyReplies + 1 < maxEmptyReplies) {
      this.#spans.unshift({ ...span, emptyReplies: span.emptyReplies + 1 });
    } else {
      this.holes += 1;
    }
  }

  /** Forgets what is queued: the source refuses to go on. */
  clear(): void {
    this.#spans.length = 0;
  }

  /** A page may bring more rows than were due; the next span then starts later. */
  #dropBefore(from: number, reached: number): void {
    const next = this.#spans[0];
    if (next !== undefined && next.from === from && reached > from) {
      this.#spans.shift();
      this.add(Math.min(reached, next.to), next.to);
    }
  }
}
