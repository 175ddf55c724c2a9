import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addWindow,
  adjustRows,
  type CoveredWindow,
  cutOut,
  densityOf,
  endOf,
} from '../../functions/checkpoint/coverage.ts';
import { gapsIn } from '../../functions/intervals.ts';
import { nextWindow } from '../../functions/sync/next-window.ts';

const dayMs = 86_400_000;
const window = fc
  .tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 60 }))
  .map(([from, length]) => ({ fromMs: from * 3_600_000, toMs: (from + length) * 3_600_000 }));
const startTimes = fc.array(
  fc.integer({ min: 0, max: 460 }).map((hour) => hour * 3_600_000 + 5),
  { maxLength: 30 },
);

function build(windows: readonly { fromMs: number; toMs: number }[], rows: readonly number[]): CoveredWindow[] {
  return windows.reduce<CoveredWindow[]>((sum, each) => addWindow(sum, each, rows), []);
}

function isCovered(coverage: readonly CoveredWindow[], ms: number): boolean {
  return gapsIn({ fromMs: ms, toMs: ms + 1 }, coverage).length === 0;
}

describe('coverage', () => {
  it('contains exactly the added windows, disjoint and sorted, in whatever order they are added', () => {
    fc.assert(
      fc.property(fc.array(window, { maxLength: 12 }), startTimes, (windows, rows) => {
        const coverage = build(windows, rows);
        coverage.forEach((each, index) => {
          expect(each.fromMs).toBeLessThan(each.toMs);
          expect(coverage[index - 1]?.toMs ?? Number.NEGATIVE_INFINITY).toBeLessThanOrEqual(each.fromMs);
        });
        for (let hour = 0; hour < 470; hour += 1) {
          const ms = hour * 3_600_000;
          expect(isCovered(coverage, ms)).toBe(windows.some((each) => ms >= each.fromMs && ms < each.toMs));
        }
        const reversed = build([...windows].reverse(), rows);
        expect(total(reversed)).toBe(total(coverage));
        expect(endOf(reversed)).toBe(endOf(coverage));
      }),
      { numRuns: 200 },
    );
  });

  it('counts each row once if its window is added several times', () => {
    fc.assert(
      fc.property(fc.array(window, { maxLength: 8 }), startTimes, (windows, rows) => {
        const coverage = build([...windows, ...windows], rows);
        const expected = rows.filter((ms) => windows.some((each) => ms >= each.fromMs && ms < each.toMs)).length;
        expect(total(coverage)).toBe(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('counts late rows in their window, and not those that left it', () => {
    const coverage = build([{ fromMs: 0, toMs: dayMs }], [5]);
    expect(adjustRows(coverage, [7, 9, 2 * dayMs], [5, 2 * dayMs])).toEqual([{ fromMs: 0, toMs: dayMs, rows: 2 }]);
    expect(adjustRows(coverage, [], [5, 7])).toEqual([{ fromMs: 0, toMs: dayMs, rows: 0 }]);
  });

  it('stays short: hourly windows over two years make fewer than 150 entries', () => {
    let coverage: CoveredWindow[] = [];
    for (let hour = 0; hour < 2 * 365 * 24; hour += 1) {
      const fromMs = hour * 3_600_000 + 1234;
      coverage = addWindow(coverage, { fromMs, toMs: fromMs + 3_600_000 }, [fromMs]);
    }
    expect(coverage.length).toBeLessThan(150);
    expect(total(coverage)).toBe(2 * 365 * 24);
  });

  it('returns gaps in order', () => {
    const coverage = build(
      [
        { fromMs: 10, toMs: 20 },
        { fromMs: 30, toMs: 40 },
      ],
      [],
    );
    expect(gapsIn({ fromMs: 0, toMs: 50 }, coverage)).toEqual([
      { fromMs: 0, toMs: 10 },
      { fromMs: 20, toMs: 30 },
      { fromMs: 40, toMs: 50 },
    ]);
    expect(gapsIn({ fromMs: 12, toMs: 18 }, coverage)).toEqual([]);
  });

  it('keeps days separate, so that a cut in one day does not change the counts of the others', () => {
    const coverage = [0, 1, 2].reduce<CoveredWindow[]>(
      (sum, day) => addWindow(sum, { fromMs: day * dayMs, toMs: (day + 1) * dayMs }, [day * dayMs, day * dayMs + 9]),
      [],
    );
    expect(coverage).toHaveLength(3);
    expect(cutOut(coverage, { fromMs: 1.5 * dayMs, toMs: Number.POSITIVE_INFINITY })).toEqual([
      { fromMs: 0, toMs: dayMs, rows: 2 },
      { fromMs: dayMs, toMs: 1.5 * dayMs, rows: 1, isEstimate: true },
    ]);
  });

  it('reports no gap within a window that extends beyond the next one', () => {
    const overlapping = [
      { fromMs: 0, toMs: 10 },
      { fromMs: 2, toMs: 4 },
    ];
    expect(gapsIn({ fromMs: 0, toMs: 12 }, overlapping)).toEqual([{ fromMs: 10, toMs: 12 }]);
  });

  it('leads to a lookback from now if it extends into the future', () => {
    const covered = {
      coverage: [{ fromMs: 0, toMs: 10_000, rows: 1 }],
      incremental: { fromMs: 0, toMs: 10_000 },
      lookbackMs: null,
    };
    const settings = { initialFromMs: 0, lookbackMs: 1_000 };
    expect(nextWindow(covered, settings, 9_500)).toEqual({ fromMs: 8_500, toMs: 9_500 });
    expect(nextWindow(covered, settings, 12_000)).toEqual({ fromMs: 9_000, toMs: 12_000 });
  });

  it("leads to the previous run's lookback if the setting is shorter now", () => {
    const covered = {
      coverage: [{ fromMs: 0, toMs: 10_000, rows: 1 }],
      incremental: { fromMs: 0, toMs: 10_000 },
      lookbackMs: 3_000,
    };
    expect(nextWindow(covered, { initialFromMs: 0, lookbackMs: 1_000 }, 12_000)).toEqual({
      fromMs: 7_000,
      toMs: 12_000,
    });
    expect(nextWindow(covered, { initialFromMs: 0, lookbackMs: 5_000 }, 12_000)).toEqual({
      fromMs: 5_000,
      toMs: 12_000,
    });
  });

  it('has the density of its last week', () => {
    const old = addWindow(
      [],
      { fromMs: 0, toMs: dayMs },
      Array.from({ length: 1000 }, (_, index) => index),
    );
    const coverage = addWindow(old, { fromMs: 20 * dayMs, toMs: 21 * dayMs }, [20 * dayMs]);
    expect(densityOf(coverage)).toBe(1 / dayMs);
    expect(densityOf([])).toBeNull();
    expect(endOf([])).toBeNull();
  });
});

function total(coverage: readonly CoveredWindow[]): number {
  return coverage.reduce((sum, each) => sum + each.rows, 0);
}
