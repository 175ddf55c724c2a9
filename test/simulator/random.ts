/** Seeded random numbers: the same seed gives the same simulated world on any machine. */

/** A generator of random numbers. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [from, to], both ends included. */
  between(from: number, to: number): number;
  /** True with probability `share`. */
  chance(share: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Shuffles `items[from..to)` in place (Fisher-Yates). */
  shuffle<T>(items: T[], from?: number, to?: number): void;
}

/** Makes a generator (mulberry32) from whole numbers; each combination has its own sequence. */
export function seededRandom(...seeds: readonly number[]): Random {
  let state = 0x9e3779b9;
  for (const seed of seeds) {
    state = scramble(state ^ scramble(seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85ebca6b));
  }
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    return scramble(state) / 2 ** 32;
  };
  const between = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    between,
    chance: (share) => next() < share,
    pick: (items) => {
      const item = items[between(0, items.length - 1)];
      if (item === undefined) {
        throw new Error('cannot pick from an empty list');
      }
      return item;
    },
    shuffle: (items, from = 0, to = items.length) => {
      for (let last = to - 1; last > from; last -= 1) {
        const other = between(from, last);
        const kept = items[last];
        items[last] = items[other] as (typeof items)[number];
        items[other] = kept as (typeof items)[number];
      }
    },
  };
}

function scramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 15), value | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}
