/** The progress that a run reports, as the terminal estimates it, beside what it has read. */
import { expect, it } from 'vitest';
import { ProgressEstimate } from '../../functions/cli/terminal/progress-estimate.ts';
import type { Run } from '../../functions/sync/run.ts';
import { dayMs, syncedSource, worldStartMs } from '../support/synced-source.ts';

/** Days before the world's start, with the executions that start in them. */
type Batch = readonly [fromDays: number, toDays: number, executions: number];

const dense: readonly Batch[] = [[7, 1, 20_000]];
const denseAtLast: readonly Batch[] = [
  [40, 8, 500],
  [7, 1, 20_000],
];
const emptyAtLast: readonly Batch[] = [
  [29, 8, 20_000],
  [7, 1, 6_000],
];

it.each<[string, number, readonly Batch[], number | null]>([
  ['the first count covers a month, the sync the busiest week of it', 7, dense, null],
  ['the first count covers a month, the sync the calmest week of it', 7, emptyAtLast, null],
  ['the count covers the whole sync', 40, denseAtLast, null],
  ['the source limits spans to a week', 40, emptyAtLast, 7],
  ['the source limits spans, and the end is the densest part', 40, denseAtLast, 7],
])('does not stand at an end that it has not reached: %s', async (_, days, batches, maxSpanDays) => {
  const world = await syncedSource({ traps: { maxSpanDays } });
  for (const [from, to, executions] of batches) {
    world.sim.life.addMany(executions, { fromMs: worldStartMs - from * dayMs, toMs: worldStartMs - to * dayMs });
  }
  const total = batches.reduce((sum, [from, , executions]) => sum + (from <= days ? executions : 0), 0);
  const estimate = new ProgressEstimate(worldStartMs);
  const early: number[] = [];
  const fractions: number[] = [];
  const onProgress: Run['onProgress'] = (progress) => {
    const { fraction } = estimate.after(progress, worldStartMs);
    fractions.push(fraction);
    if (progress.unit === undefined && (progress.rows?.proven ?? 0) < total / 2 && progress.rowsRead < total / 2) {
      early.push(fraction);
    }
  };
  await world.syncWell({ onProgress }, { initialFrom: new Date(worldStartMs - days * dayMs).toISOString() });
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
  expect(early.length).toBeGreaterThan(20);
  expect(Math.max(...early)).toBeLessThan(0.99);
});
