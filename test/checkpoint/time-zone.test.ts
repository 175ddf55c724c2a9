/** Two time zones in one workspace of a warehouse would show executions twice: on the days of both. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Summary } from '../../functions/sync/summary.ts';
import { checkpointKey, timeZoneKey } from '../../functions/warehouse/layout.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { failingStore } from '../support/failing-store.ts';
import { hourMs, type SyncedSource, syncedSource } from '../support/synced-source.ts';

const history = { days: 2, aheadDays: 1, tasks: 10 };
const other = { projectId: defaultWorkspace.projectId, workspace: 'another-workspace' };
const key = timeZoneKey(defaultWorkspace.workspace);

/** Returns the config of a target of another name and zone, on the same workspace if not told otherwise. */
function inShanghai(world: SyncedSource, where: object = defaultWorkspace): Record<string, unknown> {
  const targets = [{ name: 'stock', credentials: world.credentials, ...where }];
  return { targets, partitionTimeZone: 'Asia/Shanghai' };
}

const pathOf = (world: SyncedSource, name: string): string => join(world.folder, 'warehouse', name);

/** Fails unless the summary is that of a run that was refused before its first request. */
function expectRefused(summary: Summary | undefined): void {
  expect(summary).toMatchObject({ requests: 0, rowsWritten: 0, error: { kind: 'state', retryable: false } });
  expect(summary?.error?.message).toMatch(/"UTC".*partitionTimeZone is now "Asia\/Shanghai"/);
  expect(summary?.error?.remedy).toMatch(/"partitionTimeZone": "UTC".*another "warehouse"/);
}

describe('I23: the days of a workspace have one time zone', () => {
  it('refuses another target with another zone before its first request', async () => {
    const world = await syncedSource({ history });
    await world.syncWell();
    const [summary] = await world.sync({}, inShanghai(world));
    expectRefused(summary);
    expect(summary?.error?.message).toContain(key);
    await world.expectTruth();
  });

  it('refuses another zone after the checkpoint was moved away', async () => {
    const world = await syncedSource({ history });
    await world.syncWell();
    await rename(pathOf(world, checkpointKey('sales')), join(world.folder, 'moved.json'));
    const [summary] = await world.sync({}, { partitionTimeZone: 'Asia/Shanghai' });
    expectRefused(summary);
  });

  it('refuses one of two concurrent first runs whose zones differ, before it writes a row', async () => {
    const world = await syncedSource({ history });
    let isFirst = true;
    const store = failingStore(world.store, async (call) => {
      if (call.key === key && call.method === 'putIfAbsent' && isFirst) {
        isFirst = false;
        await world.syncWell();
      }
      return 'ok' as const;
    });
    const [summary] = await world.sync({ store }, inShanghai(world));
    expect(summary).toMatchObject({ rowsWritten: 0, watermark: null, error: { kind: 'state' } });
    expect(store.calls.some((call) => call.key.endsWith('.parquet'))).toBe(false);
    await world.expectTruth();
    const [next] = await world.sync({}, inShanghai(world));
    expectRefused(next);
  });

  it('is recorded even if the reply is lost, and read by no later run', async () => {
    const world = await syncedSource({ history });
    const lossy = failingStore(world.store, (call) =>
      call.key === key && call.method === 'putIfAbsent' ? 'lose-reply' : 'ok',
    );
    await world.syncWell({ store: lossy });
    expect(lossy.calls.filter((call) => call.key === key).map(({ method }) => method)).toEqual([
      'get',
      'putIfAbsent',
      'get',
    ]);
    world.clock.advance(hourMs);
    const quiet = failingStore(world.store, () => 'ok');
    await world.syncWell({ store: quiet });
    expect(quiet.calls.filter((call) => call.key === key)).toEqual([]);
  });

  it('may be corrected as long as no run has covered anything', async () => {
    const world = await syncedSource({ history });
    const targets = [{ name: 'sales', credentials: world.credentials, ...other }];
    const [wrong] = await world.sync({}, { targets });
    expect(wrong?.error).toBeDefined();
    expect(await world.store.get(timeZoneKey(other.workspace))).toBeNull();
    await world.syncWell({}, { partitionTimeZone: 'Asia/Shanghai' });
    await world.expectTruth();
  });

  it('accepts another zone for another workspace', async () => {
    const workspaces = [defaultWorkspace, other];
    const world = await syncedSource({ history, workspaces });
    await world.syncWell();
    const [summary] = await world.sync({}, inShanghai(world, other));
    expect(summary).toMatchObject({ done: true });
    expect(summary?.rowsWritten).toBeGreaterThan(0);
  });

  it('refuses a first run if the document is damaged, until it is restored', async () => {
    const world = await syncedSource({ history });
    await world.syncWell();
    const good = await readFile(pathOf(world, key));
    await writeFile(pathOf(world, key), '{"format"');
    const [summary] = await world.sync({}, { ...inShanghai(world), partitionTimeZone: 'UTC' });
    expect(summary).toMatchObject({ requests: 0, rowsWritten: 0, error: { kind: 'state', retryable: false } });
    expect(summary?.error?.remedy).toContain(`Restore an earlier version of ${key}`);
    world.clock.advance(hourMs);
    await world.syncWell();
    await writeFile(pathOf(world, key), good);
    const [restored] = await world.sync({}, { ...inShanghai(world), partitionTimeZone: 'UTC' });
    expect(restored).toMatchObject({ done: true });
  });
});
