/** Open executions are re-checked until they end, whatever their start time, with few requests. */
import { describe, expect, it } from 'vitest';
import { SourceError } from '../../functions/errors.ts';
import type { Run } from '../../functions/sync/run.ts';
import { checkpointKey, tableName } from '../../functions/warehouse/layout.ts';
import { failingStore } from '../support/failing-store.ts';
import { simTarget } from '../support/sim-config.ts';
import {
  checkpointOf,
  dayMs,
  hourMs,
  minuteMs,
  type SyncedSource,
  syncedSource,
  withSource,
} from '../support/synced-source.ts';

/** Opens a world with two days of settled history and `count` executions, an hour apart, that have been open for hours. */
async function worldWithOpen(count: number): Promise<{ world: SyncedSource; ids: bigint[] }> {
  const world = await syncedSource();
  world.sim.life.addMany(1_000, { fromMs: world.clock.now() - 2 * dayMs, toMs: world.clock.now() - minuteMs });
  const ids = Array.from({ length: count }, (_, index) => {
    const startTimeMs = world.clock.now() - (3 + index) * hourMs;
    return world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs }).id;
  });
  await world.syncWell();
  return { world, ids };
}

describe('open executions', () => {
  it('open executions that vanish are written again with a note, and leave the open set', async () => {
    const { world, ids } = await worldWithOpen(3);
    world.sim.life.remove(ids[0]!);
    world.sim.life.rerun(ids[1]!);
    world.clock.advance(hourMs);
    await world.syncWell();
    await world.expectTruth();
    const rows = await world.view("extra LIKE '%vanished_at%'");
    expect(rows.map((row) => row['id']).sort()).toEqual([String(ids[0]), String(ids[1])].sort());
    expect(JSON.parse(String(rows[0]?.['extra']))._dqsync.vanished_at).toMatch(/^2026-06-01T/);
    world.clock.advance(hourMs);
    expect((await world.syncWell()).rowsWritten).toBe(0);
  });

  it.each([
    ['their end are shown with that end', 'FAILED', { run_status: 'FAILED', extra: null }],
    ['another open state get a note', 'SUSPENDING', { extra: expect.stringContaining('vanished_at') }],
  ])('open executions that vanish after a killed run wrote %s', async (_how, status, expected) => {
    const { world, ids } = await worldWithOpen(1);
    const [id = 0n] = ids;
    world.clock.advance(hourMs);
    world.sim.life.finish(id, status);
    let isWritten = false;
    const store = failingStore(world.store, ({ key, method }) => {
      isWritten ||= method === 'putIfAbsent' && key.startsWith(tableName);
      return isWritten && key === checkpointKey('sales') ? 'die-before' : 'ok';
    });
    expect(await world.sync({ store })).toMatchObject([{ done: false }]);
    expect(await world.view(`id = ${id}`)).toMatchObject([{ run_status: status }]);
    world.sim.life.rerun(id);
    for (let syncs = 0; syncs < 3; syncs += 1) {
      world.clock.advance(hourMs);
      await world.syncWell();
    }
    await world.expectTruth();
    const [first] = await world.view(`id = ${id} ORDER BY start_time`);
    expect(first).toMatchObject(expected);
  });

  it.each<[string, (world: SyncedSource, id: bigint) => void, string]>([
    ['ended', ({ sim }, id) => sim.life.finish(id, 'FAILED'), 'FAILED'],
    ['running', () => undefined, 'RUNNING'],
  ])(
    'are followed until their end if the source leaves them out of one run and then lists them %s',
    async (_how, change, status) => {
      const { world, ids } = await worldWithOpen(1);
      const [id = 0n] = ids;
      const hidden = withSource(world, (source) => ({
        fetchPage: async (request) => {
          const page = await source.fetchPage(request);
          const executions = page.executions.filter((one) => one.id !== id);
          const count = page.count === null ? null : page.count - page.executions.length + executions.length;
          return { ...page, executions, count };
        },
      }));
      world.clock.advance(hourMs);
      expect(await world.syncWell(hidden)).toMatchObject({ rowsWritten: 1, openExecutions: 0 });
      expect(await world.view("extra LIKE '%vanished_at%'")).toHaveLength(1);
      change(world, id);
      world.clock.advance(hourMs);
      expect(await world.syncWell()).toMatchObject({ rowsWritten: 1 });
      expect(await world.view(`id = ${id}`)).toMatchObject([{ run_status: status, extra: null }]);
      if (status === 'RUNNING') {
        world.sim.life.finish(id, 'SUCCESS');
      }
      world.clock.advance(hourMs);
      await world.syncWell();
      await world.expectTruth();
    },
  );

  it('are looked for again by the next run, not by the same one, even if that has committed meanwhile', async () => {
    const { world, ids } = await worldWithOpen(1);
    world.sim.life.remove(ids[0]!);
    const fromMs = world.clock.now();
    world.clock.advance(10 * dayMs);
    world.sim.life.addMany(21_000, { fromMs, toMs: world.clock.now() - minuteMs });
    await world.syncWell();
    expect((await checkpointOf(world)).open.map(({ execution }) => execution.id)).toContain(ids[0]);
    world.clock.advance(hourMs);
    await world.syncWell();
    expect((await checkpointOf(world)).open.map(({ execution }) => execution.id)).not.toContain(ids[0]);
    await world.expectTruth();
  });

  it('do not expire again when the minutes around a vanished one are read', async () => {
    const world = await syncedSource({}, { maxOpenDays: 1 });
    const { life } = world.sim;
    const startMs = world.clock.now() - hourMs;
    life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs: startMs });
    const near = life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs: startMs + 4 * minuteMs });
    await world.syncWell();
    world.clock.advance(dayMs - hourMs + 2 * minuteMs);
    expect(await world.syncWell()).toMatchObject({ expired: 1, openExecutions: 1 });
    life.remove(near.id);
    world.clock.advance(minuteMs);
    expect(await world.syncWell()).toMatchObject({ expired: 0, rowsWritten: 1, openExecutions: 0 });
  });

  it.each([1, 2])(
    'keep the outcome that another run has written before page %i, although they have been run again since',
    async (before) => {
      const world = await syncedSource();
      const { life, traps } = world.sim;
      const { id } = life.addExecution({ runStatus: 'RUNNING', startTimeMs: world.clock.now() - hourMs });
      await world.syncWell();
      world.clock.advance(2 * hourMs);
      let pages = 0;
      traps.beforePage = async () => {
        pages += 1;
        if (pages === before) {
          traps.beforePage = null;
          life.finish(id, 'FAILED');
          await world.syncWell();
          world.clock.advance(1_000);
          life.rerun(id);
          world.clock.advance(1_000);
        }
      };
      await world.syncWell();
      world.clock.advance(hourMs);
      life.finish(id);
      await world.syncWell();
      const rows = await world.view(`id = ${id}`);
      expect(rows.map((row) => row['run_status']).sort()).toEqual(['FAILED', 'SUCCESS']);
    },
  );

  it('have not vanished if the source fails while they are looked for', async () => {
    const { world } = await worldWithOpen(1);
    const before = await world.observationCount();
    world.clock.advance(hourMs);
    const connect: Run['connect'] = (target, signal) => {
      const source = world.connect(target, signal);
      const fetchPage: typeof source.fetchPage = async (request) => {
        if (request.startTimeMs > world.clock.now() - dayMs && request.startTimeMs < world.clock.now() - 2 * hourMs) {
          throw new SourceError('the source failed', { remedy: 'Run again.', httpStatus: 500 });
        }
        return await source.fetchPage(request);
      };
      return { ...source, fetchPage };
    };
    const [failed] = await world.sync({ connect });
    expect(failed).toMatchObject({ done: false, openExecutions: 1, error: { kind: 'source' } });
    expect(await world.observationCount()).toBe(before);
    await world.syncWell();
    await world.expectTruth();
  });

  it('open executions of statuses that cannot be filtered do not prevent new ones from being read', async () => {
    const world = await syncedSource();
    for (let index = 0; index < 500; index += 1) {
      const startTimeMs = world.clock.now() - hourMs - index * 480_000;
      world.sim.life.addExecution({ runStatus: 'CANCELED', startTimeMs, endTimeMs: startTimeMs + 1000 });
    }
    await world.syncWell();
    world.clock.advance(hourMs);
    world.sim.life.addExecution({
      runStatus: 'SUCCESS',
      startTimeMs: world.clock.now() - minuteMs,
      endTimeMs: world.clock.now(),
    });
    const summary = await world.syncWell();
    expect(summary.rowsWritten).toBe(1);
    expect(summary.requests).toBeLessThan(70);
    await world.expectTruth();
  });

  it('open executions of statuses that cannot be filtered are checked in turn if they are too many for one run', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(1_000, { fromMs: world.clock.now() - 2 * dayMs, toMs: world.clock.now() - minuteMs });
    const startTimesMs = Array.from({ length: 70 }, (_, index) => world.clock.now() - (index + 2) * hourMs);
    const ids = startTimesMs.map((startTimeMs) => {
      return world.sim.life.addExecution({ runStatus: 'CANCELED', startTimeMs, endTimeMs: startTimeMs + 1000 }).id;
    });
    await world.syncWell();
    world.sim.life.finish(ids.at(-1)!, 'FAILED');
    const asked: { fromMs: number; toMs: number }[] = [];
    world.sim.traps.afterPage = ({ query }) => {
      asked.push({ fromMs: query.startTimeMs ?? 0, toMs: query.endTimeMs ?? 0 });
    };
    for (let run = 0; run < 2; run += 1) {
      world.clock.advance(hourMs);
      await world.syncWell();
    }
    expect(startTimesMs.filter((ms) => !asked.some(({ fromMs, toMs }) => fromMs < ms && ms < toMs))).toEqual([]);
    await world.expectTruth();
  });

  it('open executions that raised alarms far apart are all re-checked until their notification', async () => {
    const { world, ids } = await worldWithOpen(10);
    for (const id of ids) {
      world.sim.life.finish(id, 'ALARMING');
    }
    for (let run = 0; run < 3; run += 1) {
      world.clock.advance(2 * minuteMs);
      expect(await world.syncWell()).toMatchObject({ openExecutions: 0, rowsWritten: run === 0 ? 10 : 0 });
    }
    for (const id of ids) {
      world.sim.life.setNotify(id, 'SUCCESS');
    }
    await world.syncWell();
    await world.expectTruth();
  });

  it('are requested with the filter of their target', async () => {
    const initialFrom = new Date(Date.parse('2026-06-01T12:00:00Z') - 2 * dayMs).toISOString();
    const world = await syncedSource({}, { initialFrom });
    world.sim.life.addMany(2_400, { fromMs: world.clock.now() - 2 * dayMs, toMs: world.clock.now() });
    for (let index = 0; index < 24; index += 1) {
      const startTimeMs = world.clock.now() - 3 * hourMs - index * hourMs;
      const taskType = index % 2 === 0 ? 'CONSISTENCY_TASK' : 'QUALITY_TASK';
      world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs, taskType });
    }
    const targets = [simTarget(world.credentials, { filter: { taskType: 'CONSISTENCY_TASK' } })];
    await world.syncWell({}, { targets });
    world.clock.advance(hourMs);
    const statuses = new Set<string>();
    world.sim.traps.afterPage = ({ query }) => {
      statuses.add(query.runStatus ?? 'any');
    };
    await world.syncWell({}, { targets });
    expect([...statuses].sort()).toEqual(['RUNNING', 'any']);
    expect(new Set((await world.view()).map((row) => row['task_type']))).toEqual(new Set(['CONSISTENCY_TASK']));
  });

  it('expire after maxOpenDays, once, and are listed in the checkpoint until they are seen to have ended', async () => {
    const { world, ids } = await worldWithOpen(2);
    const expired = async () => (await checkpointOf(world)).expired.map(({ id }) => id).sort();
    expect(await expired()).toEqual([]);
    const counts: number[] = [];
    const onTargetDone: Run['onTargetDone'] = ({ summary }) => counts.push(summary.expired);
    const warnings: unknown[] = [];
    const log: Run['log'] = (level, message, fields) => level === 'warn' && warnings.push([message, fields]);
    const fromMs = world.clock.now() - dayMs;
    world.clock.advance(8 * dayMs);
    expect(await world.syncWell({ onTargetDone, log })).toMatchObject({ openExecutions: 0 });
    expect(await expired()).toEqual(ids.toSorted());
    world.sim.life.finish(ids[0]!);
    world.clock.advance(minuteMs);
    await world.syncWell({ onTargetDone, log });
    expect(await expired()).toEqual(ids.toSorted());
    expect(counts).toEqual([2, 0]);
    const told = expect.objectContaining({ target: 'sales', executions: 2 });
    expect(warnings).toEqual([
      [
        expect.stringMatching(/^executions expired: .* not checked again.* backfill --again --from <day> --to <day>$/),
        told,
      ],
    ]);
    await world.backfill({ window: { fromMs, toMs: fromMs + 2 * dayMs }, again: true });
    expect(await expired()).toEqual([ids[1]]);
    await world.expectTruth();
  });

  it('open executions whose row is no longer readable are re-checked for maxOpenDays, and the row is quarantined', async () => {
    const world = await syncedSource();
    const { life } = world.sim;
    const startTimeMs = world.clock.now() - 3 * hourMs;
    // A run fails if all rows of the source are unreadable.
    life.addExecution({ startTimeMs: startTimeMs + 1000 });
    const garbled = life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs });
    const gone = life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs: startTimeMs - minuteMs });
    const notified = life.addExecution({ runStatus: 'ALARMING', startTimeMs, endTimeMs: world.clock.now() - minuteMs });
    await world.syncWell();
    life.remove(garbled.id);
    life.remove(gone.id);
    life.remove(notified.id);
    life.addUnreadable('id-decimal', { startTimeMs });
    world.clock.advance(hourMs);
    expect(await world.syncWell()).toMatchObject({ openExecutions: 1, quarantined: 1, rowsWritten: 1 });
    const told = await world.view("extra LIKE '%vanished_at%'");
    expect(told.map((row) => row['id'])).toEqual([String(gone.id)]);
    expect(await world.syncWell()).toMatchObject({ openExecutions: 1, quarantined: 0, rowsWritten: 0 });
    world.clock.advance(8 * dayMs);
    const expired: number[] = [];
    const onTargetDone: Run['onTargetDone'] = ({ summary }) => expired.push(summary.expired);
    expect(await world.syncWell({ onTargetDone })).toMatchObject({ openExecutions: 0, rowsWritten: 0 });
    expect(expired).toEqual([1]);
  });

  it.each([-2_000, 2_000])(
    'that are hidden by a filter %i ms off the shown time are not recorded as vanished',
    async (filterSkewMs) => {
      const world = await syncedSource({ traps: { filterSkewMs } });
      const startTimeMs = world.clock.now() - 2 * hourMs;
      const { id } = world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs });
      await world.syncWell();
      world.clock.advance(hourMs);
      await world.syncWell();
      world.sim.life.finish(id, 'FAILED');
      world.clock.advance(hourMs);
      await world.syncWell();
      await world.expectTruth();
      expect((await world.view()).map((row) => row['run_status'])).toEqual(['FAILED']);
    },
  );

  it('open executions that vanish keep the undocumented fields they had', async () => {
    const world = await syncedSource({ traps: { extraFields: '"score":98.7500' } });
    const startTimeMs = world.clock.now() - 2 * hourMs;
    const { id } = world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs });
    await world.syncWell();
    world.sim.life.remove(id);
    world.clock.advance(hourMs);
    await world.syncWell();
    const [row] = await world.view();
    expect(row?.['extra']).toMatch(/^\{"score":98\.7500,"_dqsync":\{"vanished_at":"2026-06-01T[^"]+"\}\}$/);
  });

  it.each(['RUNNING', 'SUSPENDING', 'UNKNOWN'])(
    'of status %s are requested together, and re-checked until their end',
    async (runStatus) => {
      const world = await syncedSource();
      world.sim.life.addMany(1_000, { fromMs: world.clock.now() - 2 * dayMs, toMs: world.clock.now() - minuteMs });
      const ids = Array.from({ length: 12 }, (_, index) => {
        const startTimeMs = world.clock.now() - (index + 2) * hourMs;
        return world.sim.life.addExecution({ runStatus, endTimeMs: startTimeMs + 1000, startTimeMs }).id;
      });
      expect(await world.syncWell()).toMatchObject({ openExecutions: 12 });
      world.clock.advance(hourMs);
      const quiet = await world.syncWell();
      expect(quiet).toMatchObject({ openExecutions: 12, rowsWritten: 0 });
      expect(quiet.requests).toBeLessThanOrEqual(6);
      world.sim.life.finish(ids[3]!, 'FAILED');
      world.clock.advance(hourMs);
      expect(await world.syncWell()).toMatchObject({ openExecutions: 11, rowsWritten: 1 });
      await world.expectTruth();
    },
  );

  it('open executions that end are checked once more after the lookback of their end, even if a notification was already sent', async () => {
    const { world, ids } = await worldWithOpen(1);
    world.sim.life.finish(ids[0]!, 'ALARMING');
    world.sim.life.setNotify(ids[0]!, 'SUCCESS');
    world.clock.advance(minuteMs);
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 1 });
    world.clock.advance(5 * minuteMs);
    world.sim.life.setNotify(ids[0]!, 'FAILED');
    world.clock.advance(hourMs);
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 1 });
    await world.expectTruth();
  });

  it('open executions that succeed in large numbers far apart are all checked once more', async () => {
    const { world, ids } = await worldWithOpen(40);
    for (const id of ids) {
      world.sim.life.finish(id, 'SUCCESS');
    }
    world.clock.advance(minuteMs);
    await world.syncWell();
    for (const id of ids) {
      world.sim.life.setNotify(id, 'SUCCESS');
    }
    const requests: number[] = [];
    for (let run = 0; run < 4; run += 1) {
      world.clock.advance(hourMs);
      requests.push((await world.syncWell()).requests);
    }
    expect(Math.max(...requests)).toBeLessThanOrEqual(3 + 40 + 1);
    expect(requests.at(-1)).toBeLessThanOrEqual(3);
    await world.expectTruth();
  });
});
