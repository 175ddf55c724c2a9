import { describe, expect, it } from 'vitest';
import { aimedSliceRows, SlicePlanner } from '../../functions/reading/slices.ts';
import { splitWindow } from '../../functions/reading/window.ts';

const dayMs = 86_400_000;
const calm = { requests: 50, exposedRequests: 49, disturbances: 0, pageRows: 100 };

/** Plans over a source of `rowsIn`, and returns the rows of each slice and how many were too large. */
function planAll(
  rowsIn: (fromMs: number, toMs: number) => number,
  untilMs: number,
): { slices: number[]; tooLarge: number } {
  const planner = new SlicePlanner(null);
  const slices: number[] = [];
  let tooLarge = 0;
  for (let fromMs = 0; fromMs < untilMs && slices.length + tooLarge < 10_000; ) {
    const slice = planner.next(fromMs, untilMs, Number.POSITIVE_INFINITY);
    const rows = rowsIn(slice.fromMs, slice.toMs);
    if (rows > planner.maxRows(Number.POSITIVE_INFINITY) && slice.toMs - slice.fromMs > 1) {
      tooLarge += 1;
      planner.sliceTooLarge(slice, rows / (slice.toMs - slice.fromMs));
    } else {
      slices.push(rows);
      planner.sliceRead(slice, rows, calm);
      fromMs = slice.toMs;
    }
  }
  return { slices, tooLarge };
}

describe('slices', () => {
  it('of an even source hold about what is aimed at, after one look at the whole', () => {
    const { slices, tooLarge } = planAll((fromMs, toMs) => Math.floor(toMs / 100) - Math.floor(fromMs / 100), dayMs);
    expect(tooLarge).toBe(1);
    expect(Math.max(...slices.slice(0, -1).map((rows) => Math.abs(rows - aimedSliceRows)))).toBeLessThan(10);
    expect(slices.reduce((sum, rows) => sum + rows)).toBe(dayMs / 100);
  });

  it('of a source with bursts at midnight waste few requests', () => {
    const rowsIn = (fromMs: number, toMs: number): number => {
      const bursts = Math.ceil(toMs / dayMs) - Math.ceil(fromMs / dayMs);
      return bursts * 2000 + Math.floor(toMs / 60_000) - Math.floor(fromMs / 60_000);
    };
    const { slices, tooLarge } = planAll(rowsIn, 365 * dayMs);
    const pages = slices.reduce((sum, rows) => sum + Math.ceil(rows / 100), 0);
    const ideal = slices.reduce((sum, rows) => sum + rows) / 100;
    expect((pages + tooLarge) / ideal).toBeLessThan(1.03);
  });

  it('come to an end where everything lies in one millisecond', () => {
    const { slices } = planAll((fromMs, toMs) => (fromMs <= 777 && toMs > 777 ? 100_000 : 0), dayMs);
    expect(Math.max(...slices)).toBe(100_000);
    expect(slices.length).toBeLessThan(100);
  });

  it('get shorter after disturbances, and longer again in calm', () => {
    const planner = new SlicePlanner(1);
    const window = planner.next(0, 1e9, Number.POSITIVE_INFINITY);
    const lengthOf = (): number => planner.next(0, 1e9, Number.POSITIVE_INFINITY).toMs;
    planner.sliceRead(window, window.toMs, { ...calm, disturbances: 1 });
    const disturbedMs = lengthOf();
    expect(disturbedMs).toBeLessThan(aimedSliceRows / 3);
    for (let slices = 0; slices < 40; slices += 1) {
      planner.sliceRead(window, window.toMs, calm);
    }
    expect(lengthOf()).toBe(aimedSliceRows);
  });

  it('fit into one page where the source holds still for no two requests, and are tried longer later', () => {
    const planner = new SlicePlanner(1);
    const window = planner.next(0, 1e9, Number.POSITIVE_INFINITY);
    const lengthOf = (): number => planner.next(0, 1e9, Number.POSITIVE_INFINITY).toMs;
    planner.sliceRead(window, window.toMs, { ...calm, requests: 60, exposedRequests: 8, disturbances: 8 });
    expect(lengthOf()).toBe(70);
    for (let slices = 0; slices < 2_000; slices += 1) {
      planner.sliceRead({ fromMs: 0, toMs: 70 }, 70, { ...calm, requests: 1, exposedRequests: 0 });
    }
    expect(lengthOf()).toBeGreaterThan(200);
  });

  it('hold no more than can be read in the time left', () => {
    const planner = new SlicePlanner(1);
    expect(planner.next(0, 1e9, 700)).toEqual({ fromMs: 0, toMs: 700 });
    expect(planner.next(0, 1e9, 0)).toEqual({ fromMs: 0, toMs: 100 });
  });
});

describe('splitting a window', () => {
  it.each([
    [10, 3, [3, 3, 4]],
    [2, 5, [1, 1]],
    [1, 2, [1]],
  ])('of %i ms in %i parts loses nothing', (lengthMs, parts, lengths) => {
    const split = splitWindow({ fromMs: 7, toMs: 7 + lengthMs }, parts);
    expect(split.map((part) => part.toMs - part.fromMs)).toEqual(lengths);
    expect(split[0]?.fromMs).toBe(7);
    expect(split.at(-1)?.toMs).toBe(7 + lengthMs);
  });
});
