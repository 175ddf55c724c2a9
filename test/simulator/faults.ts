/** Faults of single requests, and the conditions under which they apply. */
/**
 * The requests that a fault applies to. They are counted for each fault, from the time it is added to the traps:
 * `{ nth: 1 }` is the next request.
 */
export type When =
  | { readonly nth: number }
  | { readonly first: number }
  | { readonly every: number }
  | { readonly from: number };

/** The effect of a fault. */
export type FaultKind =
  /** An error reply with this status, and a JSON body `DQC.…`. */
  | { readonly kind: 'status'; readonly status: number }
  /** 200 with a body that ends in the middle of the JSON, though the transfer is complete. */
  | { readonly kind: 'bad-json' }
  /** 200 with JSON that is not a page: `resources` is missing. */
  | { readonly kind: 'wrong-shape' }
  /** The connection is reset before any byte of a reply. */
  | { readonly kind: 'reset' }
  /** The connection ends within the body, which has a `Content-Length`. */
  | { readonly kind: 'truncate' }
  /** No reply is sent. */
  | { readonly kind: 'stall' }
  /** 200 without rows, with the usual `count` or this one. */
  | { readonly kind: 'empty-page'; readonly count?: number }
  /** 200 with only the first `rows` rows, and the usual `count`. */
  | { readonly kind: 'short-page'; readonly rows: number }
  /** 200 with the usual `count`, but the first row is shown twice, the second time in place of the last. */
  | { readonly kind: 'repeated-row' }
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
export type PickFault = (faults: readonly Fault[], applies: (fault: Fault) => boolean) => Fault | null;

/** Makes the picker of one simulator, which counts requests. */
export function createFaultPicker(): PickFault {
  const seen = new WeakMap<Fault, number>();
  return (faults, applies) => {
    let picked: Fault | null = null;
    for (const fault of faults.filter(applies)) {
      const n = (seen.get(fault) ?? 0) + 1;
      seen.set(fault, n);
      if (picked === null && isDue(fault.when, n)) {
        picked = fault;
      }
    }
    return picked;
  };
}

function isDue(when: When, n: number): boolean {
  if ('nth' in when) {
    return n === when.nth;
  }
  if ('first' in when) {
    return n <= when.first;
  }
  return 'every' in when ? n % when.every === 0 : n >= when.from;
}
