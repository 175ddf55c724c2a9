/** At least one test, titled by its number, for each invariant of functions/checkpoint/PROTOCOL.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCheckpoint, moveCheckpoint } from '../../functions/checkpoint/checkpoint-store.ts';
import { rewindTo } from '../../functions/checkpoint/rewound.ts';
import { StorageError } from '../../functions/errors.ts';
import type { Execution } from '../../functions/model.ts';
import { checkpointKey } from '../../functions/warehouse/layout.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { failingStore } from '../support/failing-store.ts';
import { hyparquetFooter, hyparquetRows } from '../support/referee.ts';
import { resultsView } from '../support/results-view.ts';
import {
  checkpointOf,
  dayMs,
  hourMs,
  minuteMs,
  type SyncedSource,
  syncedSource,
  withSource,
} from '../support/synced-source.ts';

const key = checkpointKey('sales');
const smallHistory = { days: 2, aheadDays: 1, tasks: 10 };

async function dataKeys(world: SyncedSource): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key: found } of world.store.list('quality_instance_observations/')) {
    keys.push(found);
  }
  return keys.sort();
}

describe('the protocol', () => {
  it('I1, I9: later runs never change or delete data files', async () => {
    const world = await syncedSource({ history: smallHistory });
    await world.syncWell();
    const before = new Map<string, Uint8Array>();
    for (const name of await dataKeys(world)) {
      before.set(name, (await world.store.get(name))!.bytes);
    }
    for (const pauseMs of [hourMs, hourMs, dayMs / 2]) {
      world.clock.advance(pauseMs);
      await world.syncWell();
    }
    expect((await dataKeys(world)).length).toBeGreaterThan(before.size);
    for (const [name, bytes] of before) {
      expect((await world.store.get(name))?.bytes).toEqual(bytes);
    }
  });

  it('I2: the checkpoint is written after the data that it refers to', async () => {
    const world = await syncedSource({ history: smallHistory });
    const store = failingStore(world.store, () => 'ok');
    await world.syncWell({ store });
    const puts = store.calls.filter((call) => call.method !== 'get').map((call) => call.key);
    expect(puts.length).toBeGreaterThan(3);
    expect(puts.slice(-2)).toEqual([key, 'state/sales/runs.json']);
    expect(puts.indexOf(key)).toBe(puts.length - 2);
  });

  it('I3: the run after a kill before or after any call of the store completes the table', async () => {
    let step = 0;
    for (let isDone = false; !isDone; step += 1) {
      for (const fate of ['die-before', 'die-after'] as const) {
        const world = await syncedSource({ history: { days: 1, tasks: 4 } });
        const dying = failingStore(world.store, (call) => (call.n === step + 1 ? fate : 'ok'));
        await world.sync({ store: dying });
        isDone = dying.calls.length <= step;
        await world.syncWell();
        await world.expectTruth();
      }
    }
    expect(step).toBeGreaterThan(4);
  });

  it('I4, I5: runs that commit alternately never undo commits of each other, and retry after conflicts', async () => {
    const world = await syncedSource({ history: smallHistory });
    await world.syncWell();
    world.clock.advance(3 * hourMs);
    let interferences = 0;
    const interfering = failingStore(world.store, async (call) => {
      if (call.method === 'putIfMatch' && call.key === key && interferences < 3) {
        interferences += 1;
        world.clock.advance(minuteMs);
        await world.syncWell();
      }
      return 'ok' as const;
    });
    const [summary] = await world.sync({ store: interfering });
    expect(summary?.error).toBeUndefined();
    const moves = interfering.calls.filter((call) => call.method === 'putIfMatch' && call.key === key);
    // Three were lost. The first that was won marks what is being written (I22), the second commits.
    expect(moves).toHaveLength(5);
    await world.expectTruth();
    const { coverage } = await checkpointOf(world);
    expect(coverage.at(-1)?.toMs).toBe(world.clock.now());
  });

  it('I4: ten concurrent runs leave one checkpoint with the changes of all', async () => {
    const world = await syncedSource({ history: smallHistory });
    const summaries = await Promise.all(Array.from({ length: 10 }, () => world.syncWell()));
    expect(summaries.every((summary) => summary.done)).toBe(true);
    const { commitIds } = await checkpointOf(world);
    expect(new Set(commitIds).size).toBe(10);
    await world.expectTruth();
  });

  it('I6: a commit whose reply is lost is recognized by its id and not applied twice', async () => {
    const world = await syncedSource({ history: smallHistory });
    const lossy = failingStore(world.store, (call) =>
      call.key === key && call.method !== 'get' && call.n < 20 ? 'lose-reply' : 'ok',
    );
    const summary = await world.syncWell({ store: lossy });
    expect(summary.done).toBe(true);
    expect(lossy.calls.filter((call) => call.key === key && call.method !== 'get')).toHaveLength(1);
    expect((await checkpointOf(world)).commitIds).toHaveLength(1);
    await world.expectTruth();
  });

  it('I6: a commit whose outcome is unknown and that did not take effect is retried', async () => {
    const world = await syncedSource({ history: smallHistory });
    let lost = 0;
    const forgetful: Store = {
      ...world.store,
      get: (name) => world.store.get(name),
      list: (prefix) => world.store.list(prefix),
      putIfMatch: (name, bytes, etag) => world.store.putIfMatch(name, bytes, etag),
      putIfAbsent: async (name, bytes) => {
        if (lost < 3 && name === key) {
          lost += 1;
          return { kind: 'unknown', cause: new StorageError('no reply', { remedy: '-' }) };
        }
        return await world.store.putIfAbsent(name, bytes);
      },
    };
    expect(await world.syncWell({ store: forgetful })).toMatchObject({ done: true });
    expect(lost).toBe(3);
    const { coverage } = await checkpointOf(world);
    expect(coverage.at(-1)?.toMs).toBe(world.clock.now());
    expect((await world.syncWell()).rowsWritten).toBe(0);
  });

  it('I6: data files whose replies are lost are written once', async () => {
    const world = await syncedSource({ history: smallHistory });
    const seen = new Set<string>();
    const lossy = failingStore(world.store, (call) => {
      const isFirst = call.key.endsWith('.parquet') && !seen.has(call.key);
      seen.add(call.key);
      return isFirst ? 'lose-reply' : 'ok';
    });
    await world.syncWell({ store: lossy });
    expect(await world.observationCount()).toBe(world.sim.truth().executions.length);
  });

  it('I7: the view shows each execution once, also if files were written twice', async () => {
    const world = await syncedSource({ history: smallHistory });
    const dying = failingStore(world.store, (call) =>
      call.key === key && call.method !== 'get' ? 'die-before' : 'ok',
    );
    await world.sync({ store: dying });
    await world.syncWell();
    const executions = world.sim.truth().executions.length;
    expect(await world.observationCount()).toBe(2 * executions);
    expect(await world.view()).toHaveLength(executions);
  });

  // A lookback of 125 rows takes two pages. One more request checks notifications of executions that started just
  // before it.
  it.each([
    [2_000, 3],
    [12_000, 4],
  ])('I8: runs without new rows append nothing (%i rows a day, at most %i requests)', async (rowsADay, atMost) => {
    const world = await syncedSource();
    world.sim.life.addMany(rowsADay / 8, { fromMs: world.clock.now() - dayMs / 8, toMs: world.clock.now() });
    await world.syncWell();
    for (let run = 0; run < 3; run += 1) {
      world.clock.advance(5_000);
      const summary = await world.syncWell();
      expect(summary).toMatchObject({ rowsWritten: 0, files: 0, done: true });
      expect(summary.requests).toBeLessThanOrEqual(atMost);
    }
    expect(await world.observationCount()).toBe(rowsADay / 8);
  });

  it('I8: a change appends one observation', async () => {
    const world = await syncedSource();
    const { id } = world.sim.life.addExecution({
      runStatus: 'RUNNING',
      endTimeMs: null,
      startTimeMs: world.clock.now() - 2 * hourMs,
    });
    await world.syncWell();
    world.clock.advance(hourMs);
    expect((await world.syncWell()).rowsWritten).toBe(0);
    world.sim.life.finish(id, 'ALARMING');
    world.clock.advance(minuteMs);
    expect((await world.syncWell()).rowsWritten).toBe(1);
    world.clock.advance(hourMs);
    expect((await world.syncWell()).rowsWritten).toBe(0);
    expect((await world.observations()).map((row) => row['run_status'])).toEqual(['RUNNING', 'ALARMING']);
  });

  it.each([
    ['garbage', '{"format": "dqsync.checkpoint", "ver', /damaged.*not JSON/],
    ['a missing field', '{"format":"dqsync.checkpoint","version":4}', /damaged/],
    ['overlapping windows', null, /damaged.*overlap/],
    ['a newer version', '{"format":"dqsync.checkpoint","version":5,"novelty":true}', /version 5, newer than version 4/],
    ['an older version', '{"format":"dqsync.checkpoint","version":3}', /version 3, older than version 4/],
  ])('I10: %s in the checkpoint stops the run, and the document is not changed', async (_name, text, message) => {
    const world = await syncedSource({ history: smallHistory });
    await world.syncWell();
    const path = join(world.folder, 'warehouse', key);
    const overlapping = (await readFile(path, 'utf8')).replace(
      '"coverage":[',
      '"coverage":[\n{"fromMs":1,"toMs":9999999999999,"rows":1},',
    );
    await writeFile(path, text ?? overlapping);
    const [summary] = await world.sync();
    expect(summary?.error).toMatchObject({ kind: 'state', retryable: false });
    expect(summary?.error?.message).toMatch(message);
    expect(await readFile(path, 'utf8')).toBe(text ?? overlapping);
  });

  it('accepts a changed configuration as long as nothing is covered', async () => {
    const world = await syncedSource({ history: smallHistory });
    const credentials = `file:${join(world.folder, 'secret.json')}`;
    const targets = [{ name: 'sales', ...defaultWorkspace, credentials, workspace: 'wrong' }];
    const [wrong] = await world.sync({}, { targets });
    expect(wrong).toMatchObject({ done: false, watermark: null });
    expect((await world.store.get(key)) !== null).toBe(true);
    await world.syncWell({}, { partitionTimeZone: 'Asia/Shanghai' });
    await world.expectTruth();
  });

  it('I10: a changed time zone is refused with the old and the new value', async () => {
    const world = await syncedSource({ history: smallHistory });
    await world.syncWell();
    const before = (await world.store.get(key))!.bytes;
    const [zone] = await world.sync({}, { partitionTimeZone: 'Asia/Shanghai' });
    expect(zone?.error?.message).toMatch(/partitionTimeZone was "UTC" and is now "Asia\/Shanghai"/);
    expect(zone?.error?.remedy).toMatch(/another "warehouse"/);
    expect((await world.store.get(key))!.bytes).toEqual(before);
  });

  it.each([
    ['project', { projectId: 'another' }, /projectId was ".+" and is now "another"/],
    ['workspace', { workspace: 'another' }, /workspace was ".+" and is now "another"/],
    ['filter', { filter: { name: 'orders' } }, /filter was \{\} and is now \{"name":"orders"\}/],
  ])('I10: another %s under the same name is refused before the first request', async (_name, change, message) => {
    const world = await syncedSource({ history: smallHistory });
    await world.syncWell();
    const before = (await world.store.get(key))!.bytes;
    const credentials = `file:${join(world.folder, 'secret.json')}`;
    const targets = [{ name: 'sales', ...defaultWorkspace, credentials, ...change }];
    const [summary] = await world.sync({}, { targets });
    expect(summary).toMatchObject({ requests: 0, error: { kind: 'state', retryable: false } });
    expect(summary?.error?.message).toMatch(message);
    expect((await world.store.get(key))!.bytes).toEqual(before);
  });

  it.each([
    ['the document', '"coverage":['],
    ['an entry of it', '{"fromMs":'],
  ])('I10: an unknown field in %s stops the run, and the document is not changed', async (_name, place) => {
    const world = await syncedSource({ history: smallHistory });
    await world.syncWell();
    const path = join(world.folder, 'warehouse', key);
    const text = await readFile(path, 'utf8');
    const novel = text.replace(
      place,
      place.startsWith('{') ? `{"novelty":true,${place.slice(1)}` : `"novelty":true,${place}`,
    );
    await writeFile(path, novel);
    const [summary] = await world.sync();
    expect(summary?.error).toMatchObject({
      ...{
        kind: 'state',
        message: expect.stringMatching(/damaged.*novelty/),
        remedy: expect.stringMatching(/upgrade/),
      },
    });
    expect(await readFile(path, 'utf8')).toBe(novel);
  });

  it('I11: coverage stays before a window that never becomes complete, and the error names the window', async () => {
    const world = await syncedSource();
    world.sim.traps.pageCap = 10;
    world.sim.life.addMany(1_200, { fromMs: world.clock.now() - 3 * dayMs, toMs: world.clock.now() - hourMs });
    const unprovableMs = world.clock.now() - 1.3 * dayMs;
    const [summary] = await world.sync({
      connect: (target, signal) => {
        const source = world.connect(target, signal);
        const fetchPage: typeof source.fetchPage = async (request) => {
          const page = await source.fetchPage(request);
          const isWrong = request.startTimeMs <= unprovableMs && request.endTimeMs >= unprovableMs;
          return isWrong ? { ...page, count: (page.count ?? 0) + 1 } : page;
        };
        return { ...source, fetchPage };
      },
    });
    expect(summary?.error).toMatchObject({ kind: 'incomplete', retryable: true });
    expect(Date.parse(summary?.error?.window?.from ?? '')).toBeLessThanOrEqual(unprovableMs);
    expect(Date.parse(summary?.error?.window?.to ?? '')).toBeGreaterThanOrEqual(unprovableMs);
    expect(Date.parse(summary?.watermark ?? '')).toBeLessThanOrEqual(unprovableMs);
    expect(Date.parse(summary?.watermark ?? '')).toBeGreaterThan(unprovableMs - 0.6 * dayMs);
    await world.syncWell();
    await world.expectTruth();
  });

  it('I11: coverage does not extend beyond the time of a source whose clock is behind', async () => {
    const world = await syncedSource({ history: smallHistory, traps: { dateSkewMs: -20 * minuteMs - 333 } });
    const summary = await world.syncWell();
    expect(Date.parse(summary.watermark!)).toBeLessThanOrEqual(world.clock.now() - 19 * minuteMs);
    await world.syncWell();
    await world.expectTruth();
  });

  it.each([0, -20 * minuteMs])(
    'I11: coverage ends the settle time before the slower of two clocks %i ms apart',
    async (dateSkewMs) => {
      const world = await syncedSource({ history: smallHistory, traps: { dateSkewMs } }, { settleSeconds: 90 });
      const { watermark } = await world.syncWell();
      const settledMs = world.clock.now() + dateSkewMs - 90_000;
      expect(Date.parse(watermark!)).toBeLessThanOrEqual(settledMs + 1000);
      expect(Date.parse(watermark!)).toBeGreaterThan(settledMs - minuteMs);
    },
  );

  it('I11: coverage that a slow clock has cut short leaves no gap when the clock is right again', async () => {
    const world = await syncedSource({ traps: { dateSkewMs: -2 * dayMs } });
    world.sim.life.addMany(12_000, { fromMs: world.clock.now() - 4 * dayMs, toMs: world.clock.now() - hourMs });
    world.sim.traps.afterPage = ({ n }) => {
      // By then, slices of the last two days have been read and cut short, and later slices are still to be read.
      world.sim.traps.dateSkewMs = n > 100 ? 0 : world.sim.traps.dateSkewMs;
    };
    await world.syncWell();
    const { coverage } = await checkpointOf(world);
    coverage.slice(1).forEach((window, index) => {
      expect(window.fromMs).toBe(coverage[index]?.toMs);
    });
    expect(coverage.at(-1)?.toMs).toBeLessThan(world.clock.now() - dayMs);
    await world.syncWell();
    await world.expectTruth();
  });

  it('I12: rows are sorted, and statistics hold for ids beyond 2^53', async () => {
    const world = await syncedSource({ history: smallHistory });
    await world.syncWell();
    for (const name of await dataKeys(world)) {
      const { bytes } = (await world.store.get(name))!;
      const rows = await hyparquetRows(bytes);
      const order = rows.map((row) => [(row['start_time'] as Date).getTime(), row['id'] as bigint] as const);
      expect(order).toEqual([...order].sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1)));
      const ids = rows.map((row) => row['id'] as bigint).sort((a, b) => (a < b ? -1 : 1));
      const statistics = hyparquetFooter(bytes).row_groups[0]!.columns[0]!.meta_data!.statistics!;
      expect(statistics.min_value).toBe(ids[0]);
      expect(statistics.max_value).toBe(ids.at(-1));
    }
  });

  it('I13: a machine whose clock is behind still writes the later observation', async () => {
    const world = await syncedSource();
    const { id } = world.sim.life.addExecution({
      runStatus: 'RUNNING',
      endTimeMs: null,
      startTimeMs: world.clock.now() - 5 * minuteMs,
    });
    const ahead = { now: () => world.clock.now() + 10 * minuteMs, sleep: async () => undefined };
    await world.syncWell({ clock: ahead });
    world.sim.life.finish(id, 'FAILED');
    world.clock.advance(1000);
    await world.syncWell();
    await world.expectTruth();
  });

  it('I14: rows that cannot be read are quarantined once, and the others are written', async () => {
    const world = await syncedSource({ history: smallHistory });
    const texts = (['id-text', 'start-text', 'id-25-digits'] as const).map((kind) =>
      world.sim.life.addUnreadable(kind, { copies: 2 }),
    );
    const first = await world.syncWell();
    expect(first.quarantined).toBe(new Set(texts).size);
    await world.syncWell();
    await world.expectTruth();
    const lines: string[] = [];
    for await (const { key: name } of world.store.list('quarantine/')) {
      lines.push(
        ...new TextDecoder()
          .decode((await world.store.get(name))!.bytes)
          .trim()
          .split('\n'),
      );
    }
    expect(lines.map((line) => JSON.parse(line).row).sort()).toEqual([...new Set(texts)].sort());
  });
});

describe('I22: the view matches the source after a killed run, even if the source returns to its earlier state, after', () => {
  // A running execution is re-checked, and an ended one is read again with the lookback.
  const changes: [string, (seen: Execution) => Execution | null][] = [
    ['a notification', (seen) => ({ ...seen, notifyStatus: 'SUCCESS' })],
    ['another name', (seen) => ({ ...seen, name: 'renamed' })],
    ['another status', (seen) => ({ ...seen, runStatus: 'SUSPENDING', endTimeMs: null })],
    ['an undocumented field', (seen) => ({ ...seen, extra: '{"new":1}' })],
    ['a page without it', () => null],
  ];
  it.each(changes)('%s', async (_, change) => {
    const world = await syncedSource();
    const ended = { runStatus: 'FAILED', notifyStatus: 'FAILED', startTimeMs: world.clock.now() - 3 * minuteMs };
    world.sim.life.addExecution(ended);
    const running = { runStatus: 'RUNNING', endTimeMs: null, startTimeMs: world.clock.now() - 2 * hourMs };
    world.sim.life.addExecution(running);
    await world.syncWell();
    const changed = withSource(world, (source) => ({
      fetchPage: async (request) => {
        const page = await source.fetchPage(request);
        const executions = page.executions.flatMap((seen) => change(seen) ?? []);
        return { ...page, executions, count: executions.length };
      },
    }));
    let wrote = 0;
    for (let step = 1, isReached = true; isReached; step += 1) {
      world.clock.advance(1000);
      // What a death after a call leaves is what one before the next call leaves.
      const dying = failingStore(world.store, ({ n }) => (n === step ? 'die-before' : 'ok'));
      await world.sync({ ...changed, store: dying });
      isReached = dying.calls.length >= step;
      if (isReached) {
        wrote += dying.calls.some((call) => call.key.endsWith('.parquet')) ? 1 : 0;
        const { open } = await checkpointOf(world);
        await world.syncWell();
        await world.expectTruth();
        // An execution that a commit has closed because it vanished is not looked for again.
        expect((await world.view()).map((row) => row['extra'] === null)).toEqual([open.length > 0, true]);
      }
    }
    expect(wrote).toBeGreaterThan(0);
  });
});

it.each([
  ['', 0],
  [', if another run commits it and the change before this one does', 1],
])('I5, I22: a late row that is committed with a change of a known execution is counted once%s', async (_, others) => {
  const world = await syncedSource();
  world.sim.life.addMany(100, { fromMs: world.clock.now() - 5 * hourMs, toMs: world.clock.now() - hourMs });
  const { id } = world.sim.life.addExecution({ runStatus: 'FAILED', startTimeMs: world.clock.now() - 3 * minuteMs });
  await world.syncWell();
  world.sim.life.addLate(5 * minuteMs);
  world.sim.life.setNotify(id, 'SUCCESS');
  let left = others;
  const interfering = failingStore(world.store, async (call) => {
    if (call.method === 'putIfMatch' && call.key === key && left > 0) {
      left -= 1;
      await world.syncWell();
    }
    return 'ok' as const;
  });
  await world.syncWell({ store: interfering });
  const { coverage } = await checkpointOf(world);
  expect([left, coverage.reduce((sum, { rows }) => sum + rows, 0)]).toEqual([0, 102]);
});

it('I11, I22: a run whose mark shows that another run has committed reads the lookback before its end again', async () => {
  const world = await syncedSource();
  const { id } = world.sim.life.addExecution({ runStatus: 'FAILED', startTimeMs: world.clock.now() - 3 * minuteMs });
  await world.syncWell();
  world.sim.life.setNotify(id, 'SUCCESS');
  world.sim.life.addMany(15_000, { fromMs: world.clock.now(), toMs: world.clock.now() + 2 * dayMs });
  world.clock.advance(2 * dayMs);
  const late: bigint[] = [];
  const interfering = failingStore(world.store, async (call) => {
    if (call.method === 'putIfMatch' && call.key === key && late.length === 0) {
      late.push(0n);
      await world.syncWell();
      late[0] = world.sim.life.addLate(5 * minuteMs).id;
    }
    return 'ok' as const;
  });
  await world.syncWell({ store: interfering });
  expect(await world.view(`id = ${late[0]}`)).toHaveLength(1);
});

describe('a rewind', () => {
  it('I15: is not undone by a run that began before it, whose commit fails', async () => {
    const world = await syncedSource();
    const first = world.clock.now();
    world.sim.life.addMany(500, { fromMs: first - 10 * dayMs, toMs: first - hourMs });
    await world.syncWell();
    world.clock.advance(hourMs);
    world.sim.life.addMany(200, { fromMs: first, toMs: world.clock.now() - minuteMs });
    const run = {
      store: world.store,
      target: { name: 'sales', ...defaultWorkspace, filter: {} },
      clock: { now: () => world.clock.now(), sleep: async () => undefined },
      settings: { partitionTimeZone: 'UTC' },
    };
    const toMs = first - 5 * dayMs;
    let isRewound = false;
    world.sim.traps.afterPage = async () => {
      if (!isRewound) {
        isRewound = true;
        const loaded = await loadCheckpoint({ ...run, store: world.store });
        await moveCheckpoint(run, loaded, 'rewind', (checkpoint) => rewindTo(checkpoint, toMs, 'rewind'));
      }
    };
    const [overtaken] = await world.sync();
    expect(overtaken?.error).toMatchObject({
      kind: 'conflict',
      message: expect.stringMatching(/a rewind removed coverage/),
    });
    const again = await world.syncWell();
    expect(again).toMatchObject({ watermark: new Date(world.clock.now()).toISOString() });
    expect(again.rowsWritten).toBeGreaterThan(430);
    expect(again.rowsWritten).toBeLessThan(600);
    await world.expectTruth();
  });
});

describe('results', () => {
  it.each(['die-before', 'die-after'] as const)(
    'I19: no kill between two steps loses an execution whose results are to be fetched (%s)',
    async (fate) => {
      for (const key of [
        'quality_instance_observations/',
        'results.json',
        'checkpoint.json',
        'quality_rule_results/',
      ]) {
        const world = await syncedSource();
        world.sim.life.addExecution({ runStatus: 'ALARMING', startTimeMs: world.clock.now() - 60_000 });
        world.clock.advance(60_000);
        const store = failingStore(world.store, (call) =>
          call.key.includes(key) && call.method !== 'get' ? fate : 'ok',
        );
        await world.sync({ results: 'spare', store });
        world.clock.advance(60_000);
        await world.syncWell({ results: 'spare' });
        const rows = await resultsView(world.folder);
        const [execution] = world.sim.truth().executions;
        expect(rows.map((row) => row['rule_id'])).toEqual(
          world.sim.results(execution!.id).map(({ ruleId }) => String(ruleId)),
        );
      }
    },
  );
});

describe('PROTOCOL.md', () => {
  it('states exactly the invariants that have tests', async () => {
    const read = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), 'utf8');
    const stated = [...(await read('../../functions/checkpoint/PROTOCOL.md')).matchAll(/^- \*\*(I\d+)\*\*/gm)].map(
      ([, number]) => number,
    );
    const tests = await Promise.all(
      ['protocol.test.ts', 'time-zone.test.ts', '../proof/compaction.test.ts', '../proof/races/tasks.test.ts'].map(
        read,
      ),
    );
    const titles = [...tests.join('\n').matchAll(/'((?:I\d+(?:, )?)+):/g)].flatMap(([, numbers]) =>
      numbers!.split(', '),
    );
    expect(new Set(titles)).toEqual(new Set(stated));
    expect(stated.length).toBeGreaterThan(10);
  });
});
