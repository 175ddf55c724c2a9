/** Faults of single requests, and the conditions under which they apply. */
import type { Random } from './random.ts';

/**
 * The requests that a fault applies to. They are counted for each fault, from the time it is added to the traps:
 * `{ nth: 1 }` is the next request. `offset` applies once, to the next request with that offset.
 */
export type When =
  | { readonly nth: number }
  | { readonly first: number }
  | { readonly every: number }
  | { readonly from: number }
  | { readonly offset: number }
  | { readonly chance: number };

/** A row of a page: its first, one in the middle, its last. */
export type RowPlace = 'first' | 'inner' | 'last';

/**
 * The `count` of an incomplete page: the usual one (default), the number of rows shown, a given number, or the number
 * of matching rows plus `off`, as a stale count would be.
 */
export type GlitchCount = 'true' | 'shown' | number | { readonly off: number };

/** The effect of a fault. */
export type FaultKind =
  /** An error reply with this status, and a JSON body `DQC.…` unless `html`. */
  | { readonly kind: 'status'; readonly status: number; readonly html?: boolean }
  /** 200 with a page of HTML, as proxies and maintenance pages return it. */
  | { readonly kind: 'html' }
  /** 200 with a body that ends in the middle of the JSON, though the transfer is complete. */
  | { readonly kind: 'bad-json' }
  /** 200 with JSON that is not a page: `resources` is missing. */
  | { readonly kind: 'wrong-shape' }
  /** The right body with another content type. */
  | { readonly kind: 'content-type'; readonly contentType: string }
  /** The connection is reset before any byte of a reply. */
  | { readonly kind: 'reset' }
  /** The connection ends within the body, which has a `Content-Length` or is chunked. */
  | { readonly kind: 'truncate'; readonly chunked?: boolean }
  /** The reply stops: before the headers, or in the middle of the body. */
  | { readonly kind: 'stall'; readonly at: 'headers' | 'body' }
  /** The reply takes this much longer. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** 200 without rows. */
  | { readonly kind: 'empty-page'; readonly count?: GlitchCount }
  /** 200 with only the first `rows` rows. */
  | { readonly kind: 'short-page'; readonly rows: number; readonly count?: GlitchCount }
  /**
   * 200 with the usual `count`, but one row (default: the first) is shown twice and hides another (default: the last).
   * If both places are the same, the row hides its neighbor.
   */
  | { readonly kind: 'repeated-row'; readonly row?: RowPlace; readonly inPlaceOf?: RowPlace }
  /** All tokens are revoked just before the request is checked. */
  | { readonly kind: 'revoke-tokens' };

/**
 * The requests a fault applies to: instances (default), tokens, tasks (lists and details), or results of an instance.
 */
export type FaultPlace = 'instances' | 'tokens' | 'tasks' | 'results';

/** A fault with its condition. */
export type Fault = FaultKind & { readonly when: When; readonly on?: FaultPlace };

/**
 * Returns the first fault for this request among those that `applies` accepts, and counts the request for all of them.
 */
export type PickFault = (
  faults: readonly Fault[],
  applies: (fault: Fault) => boolean,
  offset: number | null,
) => Fault | null;

/** Makes the picker of one simulator, which counts requests. */
export function createFaultPicker(random: Random): PickFault {
  const seen = new WeakMap<Fault, number>();
  const done = new WeakSet<Fault>();
  return (faults, applies, offset) => {
    let picked: Fault | null = null;
    for (const fault of faults) {
      if (!applies(fault) || done.has(fault)) {
        continue;
      }
      const n = (seen.get(fault) ?? 0) + 1;
      seen.set(fault, n);
      if (picked === null && isDue(fault.when, n, offset, random)) {
        picked = fault;
        if ('offset' in fault.when) {
          done.add(fault);
        }
      }
    }
    return picked;
  };
}

function isDue(when: When, n: number, offset: number | null, random: Random): boolean {
  if ('nth' in when) {
    return n === when.nth;
  }
  if ('first' in when) {
    return n <= when.first;
  }
  if ('every' in when) {
    return n % when.every === 0;
  }
  if ('from' in when) {
    return n >= when.from;
  }
  return 'offset' in when ? offset === when.offset : random.chance(when.chance);
}
