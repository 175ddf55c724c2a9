/** The progress that a run reports, as the terminal estimates it, beside what it has read. */
import { expect, it } from 'vitest';
import { ProgressEstimate } from '../../functions/cli/terminal/progress-estimate.ts';
import type { Run } from '../../functions/sync/run.ts';
import type { Traps } from '../simulator/traps.ts';
import { dayMs, syncedSource, worldStartMs } from '../support/synced-source.ts';

/** Days before the world's start, with the executions that start in them. */
type Batch = readonly [fromDays: number, toDays: number, executions: number];

const dense: readonly Batch[] = [[7, 1, 5_000]];
const denseAtLast: readonly Batch[] = [
  [40, 8, 125],
  [7, 1, 5_000],
];
const emptyAtLast: readonly Batch[] = [
  [29, 8, 15_000],
  [7, 1, 5_000],
];

it.each<[string, number, readonly Batch[], Partial<Traps>]>([
  ['the first count covers a month, the sync the busiest week of it', 7, dense, {}],
  ['the first count covers a month, the sync the calmest week of it', 7, emptyAtLast, {}],
  ['the count covers the whole sync', 40, denseAtLast, {}],
  ['the source limits spans to a week', 40, emptyAtLast, { maxSpanDays: 7 }],
  ['the source limits spans, and the end is the densest part', 40, denseAtLast, { maxSpanDays: 7 }],
  ['the count is capped', 40, [[39, 1, 5_000]], { count: { cappedAt: 1_000 } }],
  ['the count of a short sync is capped', 7, [[7, 1, 5_000]], { count: { cappedAt: 1_000 } }],
])('does not show a run as nearly done in its first half: %s', async (_, days, batches, traps) => {
  const world = await syncedSource({ traps });
  for (const [from, to, executions] of batches) {
    world.sim.life.addMany(executions, { fromMs: worldStartMs - from * dayMs, toMs: worldStartMs - to * dayMs });
  }
  const total = batches.reduce((sum, [from, , executions]) => sum + (from <= days ? executions : 0), 0);
  const estimate = new ProgressEstimate(worldStartMs);
  const early: number[] = [];
  const fractions: number[] = [];
  const onProgress: Run['onProgress'] = (progress) => {
    const { fraction } = estimate.after(progress, worldStartMs);
    if (fraction === null) {
      // A count was capped after all: what was derived from it is void. Before the first reply, the share is 0.
      expect((fractions.at(-1) ?? 0) === 0 || traps.count !== undefined).toBe(true);
      fractions.length = 0;
    } else {
      expect(fraction).toBeGreaterThanOrEqual(fractions.at(-1) ?? 0);
      fractions.push(fraction);
    }
    if (progress.unit === undefined && (progress.rows?.proven ?? 0) < total / 2 && progress.rowsRead < total / 2) {
      early.push(fraction ?? 0);
    }
  };
  await world.syncWell({ onProgress }, { initialFrom: new Date(worldStartMs - days * dayMs).toISOString() });
  expect(fractions.at(-1)).toBe(1);
  expect(early.length).toBeGreaterThan(20);
  // A capped count is noticed within a few hundred rows.
  expect(Math.max(...early)).toBeLessThan(traps.count === undefined ? 0.99 : 0.8);
});
