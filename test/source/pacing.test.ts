import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../functions/clock.ts';
import { StoppedError } from '../../functions/errors.ts';
import { createPacer, createYieldingPacer, type Pacer, type Quota } from '../../functions/source/pacing.ts';

const documented: Quota = { requests: 40, perSeconds: 10 };

/** A clock that follows the fake timers. */
const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
};

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) });
});

afterEach(() => {
  vi.useRealTimers();
});

/**
 * Lets `inFlight` callers send requests continuously, each with a latency of `latencyMs`. Returns the times of all
 * requests.
 */
async function run(
  pacer: Pacer,
  options: { inFlight: number; forMs: number; latencyMs?: () => number; onAdmitted?: (atMs: number) => void },
): Promise<number[]> {
  const admitted: number[] = [];
  const endMs = Date.now() + options.forMs;
  const caller = async () => {
    while (Date.now() < endMs) {
      const atMs = await pacer.admit();
      admitted.push(Date.now());
      options.onAdmitted?.(atMs);
      await clock.sleep(options.latencyMs?.() ?? 100);
    }
  };
  for (let index = 0; index < options.inFlight; index += 1) {
    void caller();
  }
  await vi.advanceTimersByTimeAsync(options.forMs);
  return admitted.filter((atMs) => atMs < endMs);
}

/** Returns the distance between the next two requests of a pacer that is kept busy, in ms. */
async function nextGapMs(pacer: Pacer): Promise<number> {
  const admitted = Promise.all([pacer.admit(), pacer.admit()]);
  await vi.advanceTimersByTimeAsync(60_000);
  const [first, second] = await admitted;
  return second - first;
}

/** Returns the largest number of arrivals in any span of `spanMs`. */
function mostInAnySpan(arrivals: readonly number[], spanMs: number): number {
  const sorted = arrivals.toSorted((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [index, atMs] of sorted.entries()) {
    while (atMs - (sorted[first] ?? 0) >= spanMs) {
      first += 1;
    }
    most = Math.max(most, index - first + 1);
  }
  return most;
}

describe('the pace', () => {
  it('never exceeds the quota in any ten seconds, and uses at least 93 % of it', async () => {
    const admitted = await run(createPacer(documented, clock), { inFlight: 16, forMs: 300_000 });
    expect(mostInAnySpan(admitted, 10_000)).toBeLessThanOrEqual(40);
    expect(admitted.length).toBeGreaterThanOrEqual(0.93 * 4 * 300);
  });

  it('leaves room for arrivals that are late by up to a quarter of a second', async () => {
    const arrivals: number[] = [];
    let late = 0;
    const onAdmitted = (atMs: number) => {
      late = (late + 97) % 250;
      arrivals.push(atMs + late);
    };
    await run(createPacer(documented, clock), { inFlight: 16, forMs: 300_000, onAdmitted });
    expect(mostInAnySpan(arrivals, 10_000)).toBeLessThanOrEqual(40);
    expect(arrivals.length).toBeGreaterThan(1000);
  });

  it('does not delay a small job', async () => {
    const admitted = await run(createPacer(documented, clock), { inFlight: 1, forMs: 5_000, latencyMs: () => 200 });
    expect(admitted).toHaveLength(25);
  });

  it('holds for any quota and any latencies', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ requests: fc.integer({ min: 1, max: 60 }), perSeconds: fc.integer({ min: 1, max: 30 }) }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1 }),
        async (quota, inFlight, latenciesMs) => {
          let index = 0;
          const latencyMs = () => latenciesMs[index++ % latenciesMs.length] ?? 0;
          const admitted = await run(createPacer(quota, clock), { inFlight, forMs: 60_000, latencyMs });
          expect(admitted.length).toBeGreaterThan(0);
          expect(mostInAnySpan(admitted, quota.perSeconds * 1000)).toBeLessThanOrEqual(quota.requests);
          await vi.runAllTimersAsync();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('serves callers in the order of their calls', async () => {
    const pacer = createPacer({ requests: 2, perSeconds: 1 }, clock);
    const order: number[] = [];
    const all = Promise.all([0, 1, 2, 3, 4].map((one) => pacer.admit().then(() => order.push(one))));
    await vi.advanceTimersByTimeAsync(10_000);
    await all;
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('does not slow down requests if the quota is unlimited', async () => {
    const pacer = createPacer({ requests: 1_000_000, perSeconds: 10 }, clock);
    const startMs = Date.now();
    for (let index = 0; index < 20_000; index += 1) {
      await pacer.admit();
    }
    expect(Date.now()).toBe(startMs);
  });
});

describe('after a 429', () => {
  it.each([
    ['the time in Retry-After', 7_000, 7_000],
    ['a window without Retry-After', null, 10_300],
    ['a long time in Retry-After', 90_000, 90_000],
  ])('all requests wait for %s', async (_name, retryAfterMs, waitMs) => {
    const pacer = createPacer(documented, clock);
    pacer.slowDown(await pacer.admit(), retryAfterMs);
    const startMs = Date.now();
    const waiting = Promise.all([pacer.admit(), pacer.admit()]);
    await vi.advanceTimersByTimeAsync(120_000);
    expect((await waiting)[0]).toBe(startMs + waitMs);
  });

  it('a shorter wait in a later reply does not shorten the wait', async () => {
    const pacer = createPacer(documented, clock);
    const [first, second] = await Promise.all([pacer.admit(), pacer.admit()]);
    pacer.slowDown(first, 20_000);
    pacer.slowDown(second, 1_000);
    const waiting = pacer.admit();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await waiting).toBe(first + 20_000);
  });

  it('requests that were already waiting for the quota wait too', async () => {
    const pacer = createPacer({ requests: 1, perSeconds: 5 }, clock);
    const first = await pacer.admit();
    const second = pacer.admit();
    await vi.advanceTimersByTimeAsync(1_000);
    pacer.slowDown(first, 20_000);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await second).toBeGreaterThanOrEqual(first + 21_000);
  });

  it('the pace drops to three quarters, evenly spread', async () => {
    const pacer = createPacer(documented, clock);
    pacer.slowDown(await pacer.admit(), 1_000);
    const admitted = await run(pacer, { inFlight: 16, forMs: 21_000 });
    const gaps = admitted.slice(1).map((atMs, index) => atMs - (admitted[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(343);
    expect(admitted.length).toBeGreaterThan(55);
    expect(mostInAnySpan(admitted, 10_000)).toBeLessThanOrEqual(30);
  });

  it('further 429s to earlier requests do not reduce the pace again', async () => {
    const pacer = createPacer(documented, clock);
    const sent = await Promise.all([pacer.admit(), pacer.admit(), pacer.admit()]);
    await vi.advanceTimersByTimeAsync(50);
    for (const atMs of sent) {
      pacer.slowDown(atMs, 1_000);
    }
    expect(await nextGapMs(pacer)).toBe(344);
  });

  it('further 429s reduce the pace again, down to a tenth', async () => {
    const pacer = createPacer(documented, clock);
    for (let index = 0; index < 20; index += 1) {
      const admitted = pacer.admit();
      await vi.advanceTimersByTimeAsync(30_000);
      pacer.slowDown(await admitted, 0);
    }
    expect(await nextGapMs(pacer)).toBe(2_575);
  });

  it('the pace recovers step by step, up to the full quota', async () => {
    const pacer = createPacer(documented, clock);
    pacer.slowDown(await pacer.admit(), null);
    const slowed = await run(pacer, { inFlight: 16, forMs: 240_000 });
    const gaps = slowed.slice(1, 450).map((atMs, index) => atMs - (slowed[index] ?? 0));
    expect([...new Set(gaps)]).toEqual([344, 322, 303, 287, 272]);
    const admitted = await run(pacer, { inFlight: 16, forMs: 100_000 });
    expect(admitted.length).toBeGreaterThanOrEqual(0.93 * 400);
  });

  it('the pace also recovers with time, for a job with few requests', async () => {
    const pacer = createPacer(documented, clock);
    pacer.slowDown(await pacer.admit(), 1_000);
    await run(pacer, { inFlight: 1, forMs: 10 * 60_000, latencyMs: () => 10_000 });
    expect(await nextGapMs(pacer)).toBe(0);
  });
});

describe('an abort', () => {
  const stop = new StoppedError('time is up', { remedy: 'Run again.' });

  it('ends a wait immediately, and does not use up the quota of others', async () => {
    const pacer = createPacer({ requests: 1, perSeconds: 5 }, clock);
    const first = await pacer.admit();
    const controller = new AbortController();
    const stopped = pacer.admit(controller.signal).catch((error: unknown) => error);
    const other = pacer.admit();
    await vi.advanceTimersByTimeAsync(100);
    controller.abort(stop);
    expect(await stopped).toBe(stop);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await other).toBe(first + 5_150);
  });

  it('ends a pause immediately', async () => {
    const pacer = createPacer(documented, clock);
    pacer.slowDown(await pacer.admit(), 60_000);
    const controller = new AbortController();
    const stopped = pacer.admit(controller.signal).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(100);
    controller.abort(stop);
    expect(await stopped).toBe(stop);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a pacer that knows earlier requests', () => {
  it('a pacer that knows earlier requests and the one that sent them never let more than the quota through together', async () => {
    const first = createPacer(documented, clock);
    const before = await run(first, { inFlight: 12, forMs: 25_000 });
    const second = createPacer(documented, clock, first.recent());
    const after = await run(second, { inFlight: 12, forMs: 25_000 });
    expect(first.recent()).toEqual([]);
    expect(mostInAnySpan([...before, ...after], 10_000)).toBeLessThanOrEqual(40);
    expect(before.length + after.length).toBeGreaterThan(0.93 * 5 * 40);
  });

  it.each([
    ['more of them than its quota', Array.from({ length: 100 }, (_, index) => index * 10), 10_300],
    ['one dated in the future', [60_000], 1000],
    ['only old ones', [-60_000], 1000],
  ])('waits as long as it must with %s', async (_case, earlierMs, expectedMs) => {
    const startMs = Date.now();
    const pacer = createPacer(
      documented,
      clock,
      earlierMs.map((ms) => startMs + ms),
    );
    await vi.advanceTimersByTimeAsync(1000);
    const admitted = pacer.admit();
    await vi.advanceTimersByTimeAsync(12_000);
    expect((await admitted) - startMs).toBeGreaterThanOrEqual(expectedMs);
    expect((await admitted) - startMs).toBeLessThan(expectedMs + 1000);
  });
});

describe('a yielding pacer', () => {
  const yielding = (shared: Pacer) => createYieldingPacer(shared, documented, 0.25, clock);

  it('leaves the reserved share of the quota unused, and uses the rest', async () => {
    const admitted = await run(yielding(createPacer(documented, clock)), { inFlight: 12, forMs: 60_000 });
    expect(mostInAnySpan(admitted, 10_000)).toBeLessThanOrEqual(30);
    expect(admitted.length).toBeGreaterThan(0.93 * 6 * 30);
  });

  it('a yielding pacer and the pacer it shares with never let more than the quota through together', async () => {
    const shared = createPacer(documented, clock);
    const backfill = yielding(shared);
    let turn = 0;
    const either: Pacer = {
      ...shared,
      admit: (signal) => (turn++ % 2 === 0 ? shared : backfill).admit(signal),
    };
    const admitted = await run(either, { inFlight: 12, forMs: 60_000 });
    expect(mostInAnySpan(admitted, 10_000)).toBeLessThanOrEqual(40);
    expect(admitted.length).toBeGreaterThan(0.93 * 6 * 40);
  });

  it('says when its next request may be sent, whichever of the two pacers holds it back', async () => {
    const backfill = yielding(createPacer(documented, clock));
    expect(backfill.opensAtMs()).toBeLessThanOrEqual(Date.now());
    const startMs = Date.now();
    const admitted = Promise.all(Array.from({ length: 31 }, () => backfill.admit()));
    await vi.advanceTimersByTimeAsync(1_000);
    const opensAtMs = backfill.opensAtMs();
    expect(opensAtMs).toBeGreaterThan(startMs + 10_000);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(opensAtMs).toBe((await admitted).at(-1));
    expect(backfill.opensAtMs()).toBeLessThanOrEqual(Date.now());
  });

  it('slows down more than the other, and waits longer, after a 429', async () => {
    const shared = createPacer(documented, clock);
    const backfill = yielding(shared);
    const atMs = await backfill.admit();
    backfill.slowDown(atMs, 1_000);
    let syncAtMs = 0;
    let backfillAtMs = 0;
    void shared.admit().then((ms) => {
      syncAtMs = ms;
    });
    void backfill.admit().then((ms) => {
      backfillAtMs = ms;
    });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(syncAtMs - atMs).toBe(1_000);
    expect(backfillAtMs - atMs).toBeGreaterThanOrEqual(2_000);
    expect([await nextGapMs(backfill), await nextGapMs(shared)]).toEqual([859, 322]);
  });
});

it('a pacer keeps the quota if the clock is set back', async () => {
  let nowMs = Date.UTC(2026, 0, 2);
  let sleptMs = 0;
  const sleep = async (ms: number) => {
    nowMs += ms;
    sleptMs += ms;
  };
  const pacer = createPacer(documented, { now: () => nowMs, sleep });
  const admit = async () => {
    for (let n = 0; n < 40; n += 1) {
      await pacer.admit();
    }
  };
  await admit();
  nowMs -= 3_600_000;
  await admit();
  expect(sleptMs).toBe(10_300);
});

it('a pacer waits no longer than asked, and keeps its pace, if the clock is set back after a 429', async () => {
  let nowMs = Date.UTC(2026, 0, 2);
  let sleptMs = 0;
  const pacer = createPacer(documented, {
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
      sleptMs += ms;
    },
  });
  const admit = async (requests: number): Promise<number> => {
    sleptMs = 0;
    for (let n = 0; n < requests; n += 1) {
      await pacer.admit();
    }
    return sleptMs;
  };
  pacer.slowDown(await pacer.admit(), 60_000);
  nowMs -= 3_600_000;
  const pausedMs = await admit(1);
  expect(pausedMs).toBe(60_000);
  nowMs -= 3_600_000;
  // At full pace, 400 requests take 100 seconds.
  expect(await admit(400)).toBeGreaterThan(110_000);
  expect(await admit(400)).toBeLessThan(110_000);
});
