import { describe, expect, it } from 'vitest';
import { maxSliceRows, nextSlice, type SliceLimits } from '../../functions/reading/slices.ts';

const dayMs = 86_400_000;
const limits: SliceLimits = {
  rowsPerMs: 0.001,
  rowsInTimeLeft: Number.POSITIVE_INFINITY,
  maxSpanMs: Number.POSITIVE_INFINITY,
  inFlight: 4,
  restMs: 1e12,
};

describe('slices', () => {
  it('cover a span without gap or overlap, each of the aimed size, the last up to a third longer', () => {
    const rows: number[] = [];
    for (let fromMs = 0; fromMs < dayMs; ) {
      const { window } = nextSlice({ fromMs, toMs: dayMs }, { ...limits, rowsPerMs: 0.01 });
      expect(window.fromMs).toBe(fromMs);
      rows.push((window.toMs - window.fromMs) * 0.01);
      fromMs = window.toMs;
    }
    expect(Math.max(...rows.slice(0, -1).map((count) => Math.abs(count - maxSliceRows)))).toBeLessThan(10);
    expect(rows.at(-1)).toBeLessThan(maxSliceRows * 1.31);
    expect(rows.reduce((sum, count) => sum + count)).toBeCloseTo(dayMs / 100);
  });

  it('end between two whole seconds, where no row starts', () => {
    const { window } = nextSlice({ fromMs: 0, toMs: dayMs }, { ...limits, rowsPerMs: 0.123 });
    expect(window.toMs % 1000).toBe(500);
  });

  it('are the whole span while the density is unknown', () => {
    const { window } = nextSlice({ fromMs: 7, toMs: dayMs }, { ...limits, rowsPerMs: null });
    expect(window).toEqual({ fromMs: 7, toMs: dayMs });
  });

  it.each<[string, Partial<SliceLimits>, number]>([
    ['that can be read in the time left', { rowsInTimeLeft: 700 }, 700],
    ['of one page, however little time is left', { rowsInTimeLeft: 0 }, 100],
    ['for all windows in flight', { inFlight: 10, restMs: 30_000_000 }, 3_000],
    ['that the longest accepted span holds', { maxSpanMs: 1_000_000 }, 1_000],
  ])('hold only the rows %s', (_what, change, rows) => {
    const { window } = nextSlice({ fromMs: 0, toMs: 1e12 }, { ...limits, ...change });
    expect(Math.abs(window.toMs - rows * 1000)).toBeLessThanOrEqual(500);
  });

  it('are no longer than the source accepts, even if the density is unknown', () => {
    const { window } = nextSlice({ fromMs: 0, toMs: 10 * dayMs }, { ...limits, rowsPerMs: null, maxSpanMs: dayMs });
    expect(window.toMs).toBeLessThanOrEqual(dayMs + 500);
  });
});
