/** The part of its time that a run reserves for the last commit. */
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Clock, isoTime } from '../../functions/clock.ts';
import { SourceError, StoppedError } from '../../functions/errors.ts';
import type { EpochMs, PageRequest } from '../../functions/model.ts';
import { type OpenBudget, openBudget } from '../../functions/sync/budget.ts';
import type { Summary } from '../../functions/sync/summary.ts';
import { hourMs, minuteMs, syncedSource, withSource, worldStartMs } from '../support/synced-source.ts';

const infinite = Number.POSITIVE_INFINITY;

function budgetOf(limitMs: number, stop = new AbortController(), clock: Clock = fakeClock): OpenBudget {
  const budget = openBudget(clock, limitMs, stop.signal);
  onTestFinished(() => budget.close());
  return budget;
}

const fakeClock: Clock = { now: () => Date.now(), sleep: async () => undefined };

/** Returns when a signal is aborted, in ms from now; null if not within a day. */
function whenAborted(signal: AbortSignal): number | null {
  const beginMs = Date.now();
  for (let waited = 0; waited <= 86_400_000 && !signal.aborted; waited += 1_000) {
    vi.advanceTimersByTime(1_000);
  }
  return signal.aborted ? Date.now() - beginMs : null;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a budget', () => {
  it.each([
    ['a fifth of a short time', 10_000, 8_000],
    ['15 seconds of a long time', 840_000, 825_000],
    ['nothing without a limit', infinite, infinite],
  ])('keeps %s for the last commit', (_what, limitMs, usableMs) => {
    expect(budgetOf(limitMs).remainingMs()).toBe(usableMs);
  });

  it.each([
    ['at the end of a long time', 840_000, 840_000],
    ['five seconds after the reading, if the time is short', 10_000, 13_000],
    ['never without a limit', infinite, null],
  ])('stops waiting for the warehouse %s', (_what, limitMs, hardStopMs) => {
    const budget = budgetOf(limitMs);
    expect(whenAborted(budget.hardStop)).toBe(hardStopMs);
  });

  it.each([
    ['15 seconds after an interruption', infinite, 15_000],
    ['at its usual time if that is earlier than 15 seconds after an interruption', 10_000, 13_000],
  ])('stops waiting for the warehouse %s', (_what, limitMs, hardStopMs) => {
    const stop = new AbortController();
    const budget = budgetOf(limitMs, stop);
    stop.abort(new StoppedError('interrupted', { remedy: 'Run again.' }));
    expect(budget.signal.aborted).toBe(true);
    expect(budget.hardStop.aborted).toBe(false);
    expect(whenAborted(budget.hardStop)).toBe(hardStopMs);
  });

  it('is used up after its time even if the clock is set back', () => {
    let backMs = 0;
    const clock: Clock = { now: () => Date.now() - backMs, sleep: async () => undefined };
    const budget = budgetOf(10_000, new AbortController(), clock);
    backMs = 3_600_000;
    vi.advanceTimersByTime(8_000);
    expect(budget.remainingMs()).toBe(0);
  });
});

describe('a sync whose time ends', () => {
  /** Syncs 300 rows within the lookback, and 20 hours later again, until `isLast` is true of a request. */
  async function stoppedSync(isLast: (request: PageRequest, watermarkMs: EpochMs) => boolean): Promise<Summary> {
    vi.useRealTimers();
    const world = await syncedSource();
    const watermarkMs = world.clock.now();
    world.sim.life.addMany(300, { fromMs: watermarkMs - 10 * minuteMs, toMs: watermarkMs });
    await world.syncWell();
    world.clock.advance(20 * hourMs);
    world.sim.life.addMany(6_000, { fromMs: watermarkMs, toMs: world.clock.now() });
    const [summary] = await world.sync({
      limitMs: minuteMs,
      ...withSource(world, ({ fetchPage }) => ({
        fetchPage: async (request) => {
          if (!isLast(request, watermarkMs)) {
            return await fetchPage(request);
          }
          world.clock.advance(minuteMs);
          throw new StoppedError('the time is up', { remedy: 'Run again.' });
        },
      })),
    });
    return summary!;
  }
  const isFirst = ({ startTimeMs }: PageRequest, watermarkMs: EpochMs) => startTimeMs < watermarkMs - hourMs;

  it.each([
    ['at its first request', () => true],
    ['in the lookback', (request: PageRequest, watermarkMs: EpochMs) => !isFirst(request, watermarkMs)],
    [
      'right after the lookback',
      (request: PageRequest, watermarkMs: EpochMs) =>
        !isFirst(request, watermarkMs) && request.endTimeMs > watermarkMs + minuteMs,
    ],
  ])('%s fails, because it has covered nothing new', async (_when, isLast) => {
    const summary = await stoppedSync(isLast);
    expect(summary).toMatchObject({
      done: false,
      watermark: isoTime(worldStartMs),
      error: { kind: 'source', message: expect.stringContaining('before it covered anything new') },
    });
  });

  it('while it waits for the quota names the quota', async () => {
    vi.useRealTimers();
    const world = await syncedSource();
    const [summary] = await world.sync({
      limitMs: minuteMs,
      ...withSource(world, (source) => ({
        fetchPage: async () => {
          world.clock.advance(minuteMs);
          throw new StoppedError('the time is up', { remedy: 'Run again.' });
        },
        stats: () => ({ ...source.stats(), quotaOpensAtMs: worldStartMs + hourMs }),
      })),
    });
    expect(summary).toMatchObject({
      done: false,
      error: {
        message: expect.stringContaining(`source.quota allows no request before ${isoTime(worldStartMs + hourMs)}`),
        remedy: expect.stringContaining('Raise source.quota'),
      },
    });
  });

  it('after it has covered more is not done and does not fail', async () => {
    const summary = await stoppedSync(({ startTimeMs }, watermarkMs) => startTimeMs > watermarkMs + 15 * hourMs);
    expect(summary.error).toBeUndefined();
    expect(summary.done).toBe(false);
    expect(summary.watermark! > isoTime(worldStartMs)).toBe(true);
  });
});

it('a run that has spent its time on a failing source fails even if the clock shows time left', async () => {
  vi.useRealTimers();
  const world = await syncedSource();
  const failing = new SourceError('nothing but resets', { remedy: 'Wait.' });
  const [summary] = await world.sync({
    limitMs: 200,
    connect: (target, signal) => {
      const source = world.connect(target, signal);
      return {
        ...source,
        fetchPage: () => {
          // On a busy machine the time may end before the first request.
          signal.throwIfAborted();
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        },
        stats: () => ({ ...source.stats(), failing }),
      };
    },
  });
  // The world's clock does not move.
  expect(summary).toMatchObject({ done: false, error: { kind: 'source', message: failing.message } });
});
