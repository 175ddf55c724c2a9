import { describe, expect, it } from 'vitest';
import { LifeCycle } from './life-cycle.ts';
import { frozenClock } from './movable-clock.ts';
import { createdMsOf } from './snowflake.ts';
import { startTimes } from './spread.ts';
import type { Entry } from './timeline.ts';

const fromMs = 1_790_000_000_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** Returns the number of rows for each start time. */
function tally(times: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const ms of times) {
    counts.set(ms, (counts.get(ms) ?? 0) + 1);
  }
  return counts;
}

describe('start times of many executions', () => {
  it('are whole seconds within the window, evenly spread, by default', () => {
    const times = startTimes(1_000, { fromMs: fromMs + 400, toMs: fromMs + hourMs + 400 });
    expect(times.filter((ms) => ms % 1_000 !== 0)).toEqual([]);
    expect([times.length, times[0], Math.max(...times)]).toEqual([1_000, fromMs + 1_000, fromMs + 3_597_000]);
    const gaps = times.slice(1).map((ms, index) => ms - (times[index] ?? 0));
    expect(new Set(gaps)).toEqual(new Set([3_000, 4_000]));
  });

  it('share whole seconds if the window has fewer seconds than rows', () => {
    const counts = tally(startTimes(90, { fromMs, toMs: fromMs + 3_000 }));
    expect([...counts]).toEqual([0, 1_000, 2_000].map((ms) => [fromMs + ms, 30]));
  });

  it('are milliseconds with the grain of milliseconds, or if several share one', () => {
    expect(startTimes(4, { fromMs, toMs: fromMs + 8, grain: 'millisecond' })).toEqual(
      [0, 2, 4, 6].map((n) => fromMs + n),
    );
    expect(startTimes(4, { fromMs: 5, toMs: 6, perMillisecond: 4 })).toEqual([5, 5, 5, 5]);
    expect(startTimes(4, { fromMs, toMs: fromMs + 10, perMillisecond: 2 })).toEqual(
      [0, 0, 5, 5].map((n) => fromMs + n),
    );
  });

  it('fill dense seconds with exactly perSecond rows', () => {
    const counts = tally(startTimes(1_000, { fromMs, toMs: fromMs + 4_500, perSecond: 250 }));
    expect([...counts.values()]).toEqual([250, 250, 250, 250]);
    expect([...counts.keys()].filter((ms) => ms % 1_000 !== 0)).toEqual([]);
  });

  it('are refused if the window has too few seconds', () => {
    expect(() => startTimes(1, { fromMs: fromMs + 1, toMs: fromMs + 999 })).toThrow(/0 whole seconds, not 1/);
    expect(() => startTimes(1_000, { fromMs, toMs: fromMs + 2_500, perSecond: 250 })).toThrow(/3 whole seconds, not 4/);
    expect(startTimes(0, { fromMs, toMs: fromMs })).toEqual([]);
  });

  it('have peaks at full hours, and are spread evenly otherwise', () => {
    const peaks = { share: 0.9, rowsPerSecond: 42, seconds: 3 };
    const times = startTimes(1_400, { fromMs, toMs: fromMs + dayMs, peaks });
    const inPeaks = times.filter((ms) => ms % hourMs < 3_000);
    const dense = [...tally(times)].filter(([, rows]) => rows >= 42);
    expect(times).toHaveLength(1_400);
    expect(Math.abs(inPeaks.length - 1_260)).toBeLessThan(5);
    expect(dense).toHaveLength(30);
    expect(dense.filter(([ms]) => ms % hourMs >= 3_000)).toEqual([]);
    const hours = [...new Set(dense.map(([ms]) => Math.floor(ms / hourMs)))];
    expect(hours).toHaveLength(10);
    expect(Math.max(...hours) - Math.min(...hours)).toBeGreaterThan(18);
    const beforeNoon = times.filter((ms) => ms % hourMs >= 3_000 && ms < fromMs + dayMs / 2);
    expect(Math.abs(beforeNoon.length - 70)).toBeLessThan(5);
  });

  it('have peaks at quarter hours and minutes if there are too few hours, and are refused if there is no room', () => {
    const peaks = { share: 1, rowsPerSecond: 10, seconds: 2 };
    const starts = (count: number): readonly number[] =>
      startTimes(count, { fromMs, toMs: fromMs + 2 * hourMs, peaks }).filter((_, index) => index % 20 === 0);
    expect(starts(160).filter((ms) => ms % (15 * 60_000) !== 0)).toEqual([]);
    expect(new Set(starts(2_000)).size).toBe(100);
    expect(starts(2_000).filter((ms) => ms % 60_000 !== 0)).toEqual([]);
    expect(() => starts(2_420)).toThrow('no room for 121 bursts');
  });
});

describe('addMany', () => {
  function add(count: number, spread: Parameters<LifeCycle['addMany']>[1]): readonly Entry[] {
    const life = new LifeCycle(frozenClock(fromMs + dayMs), 1, ['w']);
    life.addMany(count, spread);
    return life.listing('w')?.live ?? [];
  }

  it('gives each execution its own id, which contains its time of creation', () => {
    const entries = add(5_000, { fromMs, toMs: fromMs + 20_000, perSecond: 250 });
    const ids = new Set(entries.map(({ idText }) => idText));
    const ages = entries.map(({ idText, startTimeMs }) => createdMsOf(idText) - startTimeMs);
    expect(ids.size).toBe(5_000);
    expect([Math.min(...ages), Math.max(...ages)]).toEqual([-4, 60]);
    expect(new Set([...ids].map(Number)).size).toBeLessThan(5_000);
  });

  it('creates no execution after its start if the start has milliseconds', () => {
    const entries = add(500, { fromMs: fromMs + 1, toMs: fromMs + 999, grain: 'millisecond' });
    const ages = entries.map(({ idText, startTimeMs }) => createdMsOf(idText) - startTimeMs);
    expect([Math.min(...ages), Math.max(...ages)]).toEqual([-4, 0]);
  });

  it('ends executions on whole seconds after their start, or on milliseconds', () => {
    const ends = (entries: readonly Entry[]): readonly number[] =>
      entries.map(({ states, startTimeMs }) => (states[0]?.endTimeMs ?? 0) - startTimeMs);
    const coarse = ends(add(500, { fromMs, toMs: fromMs + hourMs }));
    expect([Math.min(...coarse), coarse.filter((ms) => ms % 1_000 !== 0)]).toEqual([1_000, []]);
    const fine = ends(add(500, { fromMs, toMs: fromMs + hourMs, grain: 'millisecond' }));
    expect(fine.filter((ms) => ms % 1_000 !== 0).length).toBeGreaterThan(400);
    expect(fine.filter((ms) => !Number.isInteger(ms))).toEqual([]);
  });
});
