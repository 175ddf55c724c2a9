/** A run whose store refuses data does not cover rows that are not written. */
import { describe, expect, it } from 'vitest';
import { StorageError } from '../../functions/errors.ts';
import type { PutOutcome, Store } from '../../functions/warehouse/store.ts';
import { failingStore } from '../support/failing-store.ts';
import { dayMs, hourMs, minuteMs, type SyncedSource, syncedSource } from '../support/synced-source.ts';

/** Returns the world's store, in which `answer` may determine the outcome of writes of new objects. */
function answering({ store }: SyncedSource, answer: (key: string) => PutOutcome | undefined): Store {
  return {
    ...failingStore(store, () => 'ok'),
    putIfAbsent: async (key, bytes) => answer(key) ?? (await store.putIfAbsent(key, bytes)),
  };
}

/** Opens a world that synced an hour ago, with a hundred executions and one unreadable row since. */
async function worldAnHourLater(): Promise<SyncedSource> {
  const world = await syncedSource();
  world.sim.life.addMany(50, { fromMs: world.clock.now() - dayMs, toMs: world.clock.now() - hourMs });
  await world.syncWell();
  world.clock.advance(hourMs);
  world.sim.life.addMany(100, { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() - minuteMs });
  world.sim.life.addUnreadable('id-text', { startTimeMs: world.clock.now() - 30 * minuteMs });
  return world;
}

const folders = ['quality_instance_observations/', 'quarantine/'];

it.each([
  ['incremental', undefined],
  ['backfill', { window: { fromMs: 0, toMs: dayMs }, again: false }],
] as const)(
  'a first run whose store cannot be written fails before its first request to the source: %s',
  async (_, backfill) => {
    const world = await syncedSource();
    world.sim.life.addMany(500, { fromMs: world.clock.now() - dayMs, toMs: world.clock.now() - hourMs });
    const store = answering(world, () => {
      throw new StorageError('read-only', { remedy: 'Mount it again.' });
    });
    const [summary] = await world.sync({ store, backfill });
    expect(summary).toMatchObject({ requests: 0, done: false, error: { kind: 'storage', message: 'read-only' } });
  },
);

describe('a run whose store', () => {
  it.each(folders)('refuses one file of %s fails, and covers only written rows', async (folder) => {
    const world = await worldAnHourLater();
    let refusals = 0;
    const store = answering(world, (key) => {
      if (key.startsWith(folder) && refusals === 0) {
        refusals += 1;
        throw new StorageError('no space', { remedy: 'Make some.' });
      }
      return undefined;
    });
    const [summary] = await world.sync({ store });
    expect(summary).toMatchObject({ done: false, error: { kind: 'storage', message: 'no space' } });
    expect(Date.parse(summary?.watermark ?? '')).toBe(world.clock.now() - hourMs);
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 100, quarantined: 1 });
    await world.expectTruth();
  });

  it.each(folders)('loses writes of a file of %s without a reply retries them', async (folder) => {
    const world = await worldAnHourLater();
    let lost = 0;
    const store = answering(world, (key) => {
      if (key.startsWith(folder) && lost < 2) {
        lost += 1;
        return { kind: 'unknown', cause: new StorageError('no reply', { remedy: '-' }) };
      }
      return undefined;
    });
    expect(await world.syncWell({ store })).toMatchObject({ done: true, rowsWritten: 100, quarantined: 1 });
    expect(lost).toBe(2);
    await world.expectTruth();
    expect(await Array.fromAsync(world.store.list('quarantine/'))).toHaveLength(1);
  });

  it('has another object under the name of a data file fails, and does not treat it as its own', async () => {
    const world = await worldAnHourLater();
    const store = answering(world, (key) => (key.endsWith('.parquet') ? { kind: 'lost' } : undefined));
    const [summary] = await world.sync({ store });
    expect(summary).toMatchObject({ done: false, error: { kind: 'storage' } });
    expect(Date.parse(summary?.watermark ?? '')).toBe(world.clock.now() - hourMs);
    await world.syncWell();
    await world.expectTruth();
  });
});
