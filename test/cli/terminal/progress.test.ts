/** The progress of a run: based on the source's count from the first reply, without jumps, in 80 columns. */
import { describe, expect, it } from 'vitest';
import { barLine } from '../../../functions/cli/terminal/progress-bar.ts';
import { type Estimate, ProgressEstimate } from '../../../functions/cli/terminal/progress-estimate.ts';
import type { Progress } from '../../../functions/sync/target-run.ts';

const startMs = Date.parse('2026-01-01T00:00:00Z');

/** A backfill of 29,000 rows over 1,000,000 ms of start time, proven in slices of 2,900. */
function progress(rowsRead: number, fields: Partial<Progress> = {}): Progress {
  const proven = Math.floor(rowsRead / 2_900) * 2_900;
  const doneMs = (1_000_000 * proven) / 29_000;
  const rows = { proven, expected: 29_000 };
  return { target: 'sales', atMs: startMs, totalMs: 1_000_000, rowsRead, doneMs, rows, ...fields };
}

describe('the estimate of a run', () => {
  it('uses the count of the first reply, also between proven parts, and never decreases', () => {
    const estimate = new ProgressEstimate(startMs);
    const fractions = [100, 1_450, 2_900, 4_350, 4_300, 29_000].map(
      (rows) => estimate.after(progress(rows), startMs + rows).fraction,
    );
    expect(fractions.map((fraction) => Math.round(1000 * (fraction ?? 0)))).toEqual([3, 50, 100, 150, 150, 1000]);
  });

  it('predicts a stable end although requests are sent in bursts', () => {
    // The quota of a backfill allows 30 requests immediately and then none for the rest of ten seconds.
    const estimate = new ProgressEstimate(startMs);
    const ends: number[] = [];
    for (let second = 1; second < 96; second += 1) {
      const bursts = Math.floor(second / 10) + 1;
      const now = progress(Math.min(29_000, bursts * 3_000), { paceMs: bursts * 10_000 });
      ends.push(second + (estimate.after(now, startMs + second * 1000).leftMs ?? 0) / 1000);
    }
    expect(Math.max(...ends) - Math.min(...ends)).toBeLessThan(5);
    expect(ends[0]).toBeGreaterThan(90);
  });

  it('counts a row once if the source shows it several times', () => {
    const estimate = new ProgressEstimate(startMs);
    const seen = (rowsRead: number, proven: number) =>
      estimate.after(progress(rowsRead, { rows: { proven, expected: 10_000 } }), startMs + rowsRead).rows;
    expect([seen(3_000, 1_000), seen(6_000, 2_000), seen(7_500, 2_000)]).toEqual([1_000, 2_000, 2_500]);
  });

  it('does not decrease when the first slice is proven', () => {
    const estimate = new ProgressEstimate(startMs);
    const seen = (rowsRead: number, proven: number) =>
      estimate.after(progress(rowsRead, { doneMs: proven, rows: { proven, expected: 26_816 } }), startMs + rowsRead)
        .rows;
    expect([seen(17_141, 0), seen(17_200, 4_997), seen(19_000, 18_105)]).toEqual([17_141, 17_141, 18_105]);
  });

  it.each<[string, number | null]>([
    ['is not a total', null],
    ['was capped', 1_000],
  ])('uses start times if the count %s', (_, expected) => {
    const estimate = new ProgressEstimate(startMs);
    const shown = (rowsRead: number, doneMs: number, proven: number) =>
      estimate.after(progress(rowsRead, { doneMs, rows: { proven, expected } }), startMs + 60_000);
    expect(shown(5_800, 200_000, 5_800)).toMatchObject({ fraction: 0.2, expected: null, rows: 5_800 });
    expect(shown(7_250, 200_000, 5_800)).toMatchObject({ fraction: 0.25 });
    // The next part is far denser, so these rows are not nearly all.
    expect(shown(60_000, 200_000, 5_800)).toMatchObject({ fraction: 0.6 });
  });

  it('shows no share while more rows are read than the source has counted and no part is proven', () => {
    const estimate = new ProgressEstimate(startMs);
    const shown = (rowsRead: number, doneMs: number, expected: number | null) => {
      const rows = { proven: doneMs === 0 ? 0 : rowsRead, expected };
      return estimate.after(progress(rowsRead, { doneMs, rows }), startMs + 60_000);
    };
    expect(shown(900, 0, 1_000)).toMatchObject({ fraction: 0.9, expected: 1_000 });
    // Rows at the edges of windows are shown twice.
    expect(shown(1_100, 0, 1_000)).toMatchObject({ fraction: 0.99, expected: 1_000 });
    expect(shown(1_600, 0, 1_000)).toMatchObject({ fraction: null, expected: null, rows: 1_600, leftMs: null });
    expect(shown(3_000, 300_000, 1_000)).toMatchObject({ fraction: 0.3, expected: null });
  });

  it('forgets the share that it derived from a count which the run has found to be capped', () => {
    const estimate = new ProgressEstimate(startMs);
    const shown = (rowsRead: number, expected: number | null) =>
      estimate.after(progress(rowsRead, { doneMs: 0, rows: { proven: 0, expected } }), startMs).fraction;
    expect([shown(0, null), shown(300, 1_000), shown(400, null)]).toEqual([0, 0.3, null]);
  });

  it('shows no rate and no remaining time before they are known', () => {
    const none = progress(0, { rows: { proven: 0, expected: null } });
    expect(new ProgressEstimate(startMs).after(none, startMs + 500)).toMatchObject({ perSecond: null, leftMs: null });
  });
});

const halfway: Estimate = { fraction: 0.416, rows: 12_064, expected: 29_021, perSecond: 302.4, leftMs: 61_000 };

describe('a line of progress', () => {
  it.each<[string, Partial<Progress>, Partial<Estimate>, string]>([
    [
      'one of several targets',
      { place: { number: 2, of: 15 } },
      {},
      'sales 2/15 [███████░░░░░░░░░░] 41% | 12,064 of 29,021 rows | 302/s | 1 min left',
    ],
    [
      'no count',
      {},
      { expected: null },
      'sales [█████░░░░░░░░░] 41% | 12,064 rows, up to 2026-01-01 | 302/s | 1 min left',
    ],
    [
      'another unit',
      { unit: 'executions' },
      {},
      'sales [██████░░░░░░░░░░] 41% | 12,064 of 29,021 executions | 302/s | 1 min left',
    ],
    [
      'the beginning',
      {},
      { fraction: 0, perSecond: null, leftMs: null },
      'sales [░░░░░░░░░░░░░░░░░░░░░░░░] 0% | 12,064 of 29,021 rows | starting',
    ],
    [
      'an unknown share',
      {},
      { expected: null, fraction: null, leftMs: null },
      'sales [░░░░░░░░░░░░░] 12,064 rows, up to 2026-01-01 | 302/s | time left unknown',
    ],
  ])('fits 80 columns: %s', (_, fields, estimate, expected) => {
    const line = barLine(progress(0, fields), { ...halfway, ...estimate }, 80);
    expect(line).toBe(expected);
    expect(line.length).toBeLessThan(80);
  });

  it('shows how long requests wait for the quota, next to the time left', () => {
    const results = progress(40, { target: 'sales results', unit: 'executions' });
    const line = barLine(results, { ...halfway, rows: 40, expected: 100 }, 80, 9_400);
    expect(line).toBe('sales results [██░░░░] 41% | 40 of 100 executions | quota wait 9 s | 1 min left');
    expect(barLine(results, halfway, 80, 900)).toContain('302/s');
  });

  it('keeps its bar next to a long name', () => {
    const named = progress(0, { target: 'a-target-with-a-long-name', place: { number: 2, of: 15 } });
    expect(barLine(named, halfway, 80)).toContain(' [█░░] 41%');
  });
});
