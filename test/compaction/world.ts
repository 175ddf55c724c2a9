/** A warehouse with days of hourly files, and compactions of it. */
import { type Compaction, type CompactionResult, compactTarget } from '../../functions/compaction/compact-target.ts';
import type { Observation } from '../../functions/model.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { writeObservations } from '../support/warehouse-data.ts';

export const dayMs = 86_400_000;
export const hourMs = 3_600_000;
export const workspace = 'sales';

/** Observations of some days, so many runs a day. Every third execution was seen running first. */
export function hourlyObservations(days: number, runsPerDay: number, more: Partial<Observation> = {}): Observation[] {
  return Array.from({ length: days * runsPerDay }, (_, run) => run).flatMap((run) => {
    const day = Math.floor(run / runsPerDay);
    const runMs = newYearMs + day * dayMs + (run % runsPerDay) * Math.floor(dayMs / runsPerDay);
    const runId = `${new Date(runMs).toISOString().replaceAll(/[-:.]/g, '').slice(0, 15)}Z-${String(run).padStart(8, '0')}`;
    const rows = [0, 1, 2].map((n) => {
      const id = BigInt(run * 10 + n) + 1_180_000_000_000_000_001n;
      // Seconds are shared, and rows of a file are not in order of their ids over all files.
      const startTimeMs = newYearMs + day * dayMs + ((run * 7) % runsPerDay) * 60_000;
      return anObservation({ workspace, id, startTimeMs, observedAtMs: runMs + dayMs, runId, ...more });
    });
    const [first] = rows;
    const running = { runStatus: 'RUNNING', endTimeMs: null, runId: `${runId}a`, observedAtMs: runMs + hourMs };
    return first !== undefined && run % 3 === 0 ? [...rows, { ...first, ...running }] : rows;
  });
}

/** Fills a warehouse. Returns the keys. */
export async function fill(store: Store, days: number, runsPerDay: number): Promise<readonly string[]> {
  return await writeObservations(store, hourlyObservations(days, runsPerDay));
}

/** Compacts, two months after the days of `hourlyObservations`. */
export async function compact(store: Store, more: Partial<Compaction> = {}): Promise<CompactionResult> {
  return await compactTarget({
    target: { name: 'sales', workspace },
    settings: { partitionTimeZone: 'UTC', lookbackMs: 15 * 60_000, maxOpenMs: 7 * dayMs },
    store,
    clock: { now: () => newYearMs + 60 * dayMs, sleep: async () => undefined },
    stop: new AbortController().signal,
    remainingMs: () => Number.POSITIVE_INFINITY,
    ...more,
  });
}
