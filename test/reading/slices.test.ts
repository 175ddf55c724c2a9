import { describe, expect, it } from 'vitest';
import { maxSliceRows, type SliceLimits, SlicePlanner } from '../../functions/reading/slices.ts';

const dayMs = 86_400_000;
const limits: SliceLimits = {
  rowsInTimeLeft: Number.POSITIVE_INFINITY,
  maxSpanMs: Number.POSITIVE_INFINITY,
  countCap: Number.POSITIVE_INFINITY,
  inFlight: 4,
  restMs: 1e12,
};

/** Cuts all of `[0, untilMs)`, learning as it goes. */
function planAll(rowsIn: (fromMs: number, toMs: number) => number, untilMs: number, rowsPerMs: number): number[] {
  const planner = new SlicePlanner(rowsPerMs);
  const slices: number[] = [];
  for (let fromMs = 0; fromMs < untilMs && slices.length < 10_000; ) {
    const { window } = planner.next({ fromMs, toMs: untilMs }, limits);
    const rows = rowsIn(window.fromMs, window.toMs);
    slices.push(rows);
    planner.partsRead(window.toMs - window.fromMs, rows);
    fromMs = window.toMs;
  }
  return slices;
}

describe('slices', () => {
  it('hold what is aimed at where the source is even', () => {
    const slices = planAll((fromMs, toMs) => Math.floor(toMs / 100) - Math.floor(fromMs / 100), dayMs, 0.01);
    expect(Math.max(...slices.slice(0, -1).map((rows) => Math.abs(rows - maxSliceRows)))).toBeLessThan(10);
    expect(slices.reduce((sum, rows) => sum + rows)).toBe(dayMs / 100);
  });

  it('end between two whole seconds, where no row starts', () => {
    const { window } = new SlicePlanner(0.0123).next({ fromMs: 0, toMs: dayMs }, limits);
    expect(window.toMs % 1000).toBe(500);
  });

  it('are all there is while no density is known', () => {
    const planner = new SlicePlanner(null);
    expect(planner.knowsDensity).toBe(false);
    expect(planner.next({ fromMs: 7, toMs: dayMs }, limits).window).toEqual({ fromMs: 7, toMs: dayMs });
  });

  it.each<[string, Partial<SliceLimits>, number]>([
    ['that can be read in the time left', { rowsInTimeLeft: 700 }, 700],
    ['of one page, however little time is left', { rowsInTimeLeft: 0 }, 100],
    ['below the cap of counts', { countCap: 600 }, 600],
    ['for all windows in flight', { inFlight: 10, restMs: 30_000_000 }, 3_000],
    ['that the longest accepted span holds', { maxSpanMs: 1_000_000 }, 1_000],
  ])('hold only the rows %s', (_what, change, rows) => {
    const { window } = new SlicePlanner(0.001).next({ fromMs: 0, toMs: 1e12 }, { ...limits, ...change });
    expect(Math.abs(window.toMs - rows * 1000)).toBeLessThanOrEqual(500);
  });
});
