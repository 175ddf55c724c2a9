import { describe, expect, it } from 'vitest';
import type { Window } from '../../functions/model.ts';
import { SliceReader, type SliceReading } from '../../functions/sync/slice-reader.ts';
import { pagedSource } from '../support/paged-source.ts';

const dayMs = 86_400_000;

/** Returns the slices of a span in a source without rows, as many of them as are read in parallel. */
async function slicesOf(
  span: Window,
  { inFlight = 4, maxSpanMs = Number.POSITIVE_INFINITY, ...change }: Partial<SliceReading & Limits>,
): Promise<Window[]> {
  const { source } = pagedSource([]);
  source.profile.hints.maxSpanMs = maxSpanMs;
  const reader = new SliceReader({
    source: { ...source, inFlight: () => inFlight },
    spans: [span],
    settledUntilMs: () => span.toMs,
    rowsPerMs: 0.001,
    rowsInTimeLeft: () => Number.POSITIVE_INFINITY,
    now: () => span.toMs,
    ...change,
  });
  const windows: Window[] = [];
  while (windows.length < inFlight && reader.rest.length > 0) {
    windows.push((await reader.next())!.window);
  }
  return windows;
}

interface Limits {
  inFlight: number;
  maxSpanMs: number;
}

describe('slices', () => {
  it('cover a span without gap or overlap, each of the aimed size, the last up to a third longer', async () => {
    const span = { fromMs: 0, toMs: dayMs };
    const windows = await slicesOf(span, { rowsPerMs: 0.005, inFlight: 180 });
    expect(windows.map(({ fromMs }) => fromMs)).toEqual([0, ...windows.slice(0, -1).map(({ toMs }) => toMs)]);
    expect(windows.at(-1)?.toMs).toBe(span.toMs);
    const rows = windows.map(({ fromMs, toMs }) => (toMs - fromMs) * 0.005);
    expect(Math.max(...rows.slice(0, -1).map((count) => Math.abs(count - 2_500)))).toBeLessThan(10);
    expect(rows.at(-1)).toBeLessThan(2_500 * 1.31);
  });

  it('end between two whole seconds, where no row starts', async () => {
    const [first] = await slicesOf({ fromMs: 0, toMs: dayMs }, { rowsPerMs: 0.123 });
    expect(first!.toMs % 1000).toBe(500);
  });

  it('are the whole span while the density is unknown', async () => {
    const span = { fromMs: 7, toMs: dayMs };
    expect(await slicesOf(span, { rowsPerMs: null })).toEqual([span]);
  });

  it.each<[string, Partial<SliceReading & Limits>, number, number]>([
    ['of 50 pages', {}, 1e12, 5_000],
    ['that can be read in the time left', { rowsInTimeLeft: () => 700 }, 1e12, 700],
    ['of one page, however little time is left', { rowsInTimeLeft: () => 0 }, 1e12, 100],
    ['for all windows in flight', { inFlight: 10 }, 30_000_000, 3_000],
    ['that the longest accepted span holds', { maxSpanMs: 1_000_000 }, 1e12, 1_000],
  ])('hold only the rows %s', async (_what, change, toMs, rows) => {
    const [first] = await slicesOf({ fromMs: 0, toMs }, change);
    expect(Math.abs(first!.toMs - rows * 1000)).toBeLessThanOrEqual(500);
  });

  it('are no longer than the source accepts, even if the density is unknown', async () => {
    const [first] = await slicesOf({ fromMs: 0, toMs: 10 * dayMs }, { rowsPerMs: null, maxSpanMs: dayMs });
    expect(first!.toMs).toBeLessThanOrEqual(dayMs + 500);
  });
});
