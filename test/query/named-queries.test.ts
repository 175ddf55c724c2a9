import { describe, expect, it } from 'vitest';
import { namedQueries } from '../../functions/query/named-queries.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';

const hourMs = 3_600_000;

/** Unique numbers. */
function counter(): () => bigint {
  let last = 0n;
  return () => {
    last += 1n;
    return last;
  };
}

/** Queries that further-views.test.ts tests. */
const needsTasks = /quality_(tasks|rules|results|failures)/;
const stopped = 'Rules that stopped running';

describe('named queries', () => {
  const queries = namedQueries({ view: 'quality_instances', lastDays: null });
  const sqlOf = (title: string): string => queries.find((query) => query.title === title)?.sql ?? '';

  it('have unique titles', () => {
    const recent = namedQueries({ view: 'v', lastDays: 30 });

    expect(new Set(recent.map((query) => query.title)).size).toBe(recent.length);
    expect(recent.map((query) => query.description)).toEqual(
      recent.map(() => expect.stringContaining('over the last 30 days')),
    );
  });

  it('run in an empty warehouse, with and without a limit of days', async () => {
    const sql = await opened(await tempWarehouse());

    for (const lastDays of [null, 30]) {
      for (const query of namedQueries({ view: 'quality_instances', lastDays })) {
        expect((await sql.run(query.sql)).rows).toEqual([]);
      }
    }
  });

  it('look back the given number of days', async () => {
    const store = await tempWarehouse();
    const day = (daysAgo: number) => anObservation({ startTimeMs: Date.now() - daysAgo * 24 * hourMs });
    await writeObservations(store, [day(0), day(3), day(4)]);
    const sql = await opened(store);

    const counts = namedQueries({ view: 'quality_instances', lastDays: 3 }).map(async (query) => {
      const rows = await ask(sql, query.sql);
      return rows.reduce((sum, row) => sum + Number(row['finished'] ?? row['executions'] ?? row['runs'] ?? 0), 0);
    });

    // Pass rate, failing, silent, slowest, stopped, changes, freshness; then those of tasks and rules.
    expect(await Promise.all(counts)).toEqual([2, 0, 0, 2, 0, 0, 2, 0, 0, 0, 0]);
  });

  it('return values of the written rows', async () => {
    const store = await tempWarehouse();
    await writeObservations(store, [
      anObservation({ id: 1n, taskId: 1n, name: 'good' }),
      anObservation({ id: 2n, taskId: 1n, name: 'good' }),
      anObservation({ id: 3n, taskId: 2n, name: 'bad', runStatus: 'ALARMING', notifyStatus: 'SUCCESS' }),
      anObservation({ id: 4n, taskId: 2n, name: 'bad', runStatus: 'ALARMING', notifyStatus: 'FAILED' }),
      anObservation({ id: 5n, taskId: 3n, name: 'mixed', runStatus: 'FAILED', startTimeMs: newYearMs + 24 * hourMs }),
      anObservation({ id: 6n, taskId: 3n, name: 'mixed', startTimeMs: newYearMs + 24 * hourMs }),
      anObservation({ id: 7n, taskId: 4n, name: 'silent', runStatus: 'ALARMING', notifyStatus: null }),
      anObservation({ id: 8n, taskId: 5n, name: 'running', runStatus: 'RUNNING', endTimeMs: null }),
    ]);
    const sql = await opened(store);

    expect(await ask(sql, sqlOf('Pass rate by day'))).toMatchObject([
      { dt: '2026-01-02', finished: 2n, passed: 1n, alarms: 0n, failed: 1n, pass_percent: 50 },
      { dt: '2026-01-01', finished: 5n, passed: 2n, alarms: 3n, failed: 0n, pass_percent: 40 },
    ]);
    expect(await ask(sql, sqlOf('Rules failing most'))).toMatchObject([
      { task_id: 2n, name: 'bad', bad: 2n, finished: 2n, bad_percent: 100, last_bad: '2026-01-01T00:00:00.000Z' },
      { task_id: 4n, bad: 1n, bad_percent: 100 },
      { task_id: 3n, bad: 1n, bad_percent: 50, last_bad: '2026-01-02T00:00:00.000Z' },
    ]);
    expect((await ask(sql, sqlOf('Alarms nobody was notified of'))).map((row) => row['id'])).toEqual([4n, 7n]);
    expect(await ask(sql, sqlOf('Freshness of the table'))).toMatchObject([
      {
        executions: 8n,
        still_open: 1n,
        newest_execution: '2026-01-02T00:00:00.000Z',
        last_observed: '2026-01-02T00:05:00.000Z',
        minutes_since: expect.any(BigInt),
      },
    ]);
  });

  it('count an execution as open only if its outcome can still change and the source still has it', async () => {
    const store = await tempWarehouse();
    const vanished = '"_dqsync":{"vanished_at":"2026-01-01T01:00:00.000Z"}';
    const states = [
      { runStatus: 'RUNNING', endTimeMs: null, extra: null },
      { runStatus: 'PAUSED', extra: '{"note":"end_time"}' },
      { runStatus: null },
      { runStatus: 'SUCCESS', endTimeMs: null, extra: '{"score":1}' },
      // Not open.
      { runStatus: 'SUCCESS' },
      { runStatus: 'FAILED', endTimeMs: null, extra: '{"end_time":-1}' },
      { runStatus: 'RUNNING', endTimeMs: null, extra: `{${vanished}}` },
      { runStatus: 'RUNNING', endTimeMs: null, extra: `{"score":1,${vanished}}` },
    ];
    await writeObservations(
      store,
      states.map((state, index) => anObservation({ id: BigInt(index), ...state })),
    );

    expect(await ask(await opened(store), sqlOf('Freshness of the table'))).toMatchObject([
      { executions: 8n, still_open: 4n },
    ]);
  });

  it('show a renamed task by the name of its newest execution', async () => {
    const store = await tempWarehouse();
    const midnightMs = Math.floor(Date.now() / (24 * hourMs)) * 24 * hourMs;
    const ran = (id: bigint, hoursAgo: number, name: string, taskId = 1n) =>
      anObservation({
        ...{ id, name, taskId, runStatus: hoursAgo > 24 ? 'FAILED' : 'ALARMING' },
        startTimeMs: midnightMs - hoursAgo * hourMs,
      });
    await writeObservations(store, [
      ...[ran(1n, 40, 'zeta'), ran(2n, 39, 'zeta'), ran(3n, 38, 'zeta'), ran(4n, 20, 'alpha')],
      ran(5n, -60, 'other', 2n),
    ]);
    const sql = await opened(store);
    const named = async (title: string) =>
      (await ask(sql, sqlOf(title))).find((row) => row['task_id'] === 1n)?.['name'];

    const titles = ['Rules failing most', 'Slowest rules', stopped, 'Status changes between two days'];
    expect(await Promise.all(titles.map(named))).toEqual(titles.map(() => 'alpha'));
  });

  it('show a single failure among thousands of runs in a rate', async () => {
    const store = await tempWarehouse();
    const runs = Array.from({ length: 4000 }, (_, index) => anObservation({ id: BigInt(index) }));
    await writeObservations(store, [...runs, anObservation({ id: -1n, runStatus: 'FAILED' })]);
    const sql = await opened(store);

    expect(await ask(sql, sqlOf('Pass rate by day'))).toMatchObject([{ pass_percent: 99.975 }]);
    expect(await ask(sql, sqlOf('Rules failing most'))).toMatchObject([{ bad_percent: 0.025 }]);
  });

  it('tell tasks without an id apart by their names', async () => {
    const store = await tempWarehouse();
    const midnightMs = Math.floor(Date.now() / (24 * hourMs)) * 24 * hourMs;
    const nextId = counter();
    const ran = (name: string, daysAgo: number, runStatus: string, seconds: number) => {
      const startTimeMs = midnightMs - daysAgo * 24 * hourMs;
      const endTimeMs = startTimeMs + seconds * 1000;
      return anObservation({ id: nextId(), taskId: null, name, runStatus, startTimeMs, endTimeMs });
    };
    await writeObservations(store, [
      ...[22, 21, 20].map((daysAgo) => ran('a', daysAgo, 'FAILED', 5)),
      ...[8, 7, 6, 2].map((daysAgo) => ran('b', daysAgo, 'FAILED', 9)),
      ran('b', 1, 'SUCCESS', 9),
    ]);
    const sql = await opened(store);

    expect(await ask(sql, sqlOf('Rules failing most'))).toMatchObject([
      { name: 'b', bad: 4n, finished: 5n },
      { name: 'a', bad: 3n, finished: 3n },
    ]);
    expect(await ask(sql, sqlOf('Slowest rules'))).toMatchObject([
      { name: 'b', runs: 5n, p50_seconds: 9 },
      { name: 'a', runs: 3n, p50_seconds: 5 },
    ]);
    expect(await ask(sql, sqlOf(stopped))).toMatchObject([{ name: 'a', runs: 3n, longest_pause_hours: 24 }]);
    expect(await ask(sql, sqlOf('Status changes between two days'))).toMatchObject([{ name: 'b' }]);
  });

  it('have no ties: each window and each max_by is finally ordered by id', () => {
    const orderings = namedQueries({ view: 'quality_instances', lastDays: 30 }).flatMap(({ title, sql }) => {
      const windows = [...sql.matchAll(/OVER \([^()]*ORDER BY ([^()]+)\)/g)];
      const extremes = [...sql.matchAll(/(?:max|min|arg_max|arg_min)_?by\(\w+, ((?:[^()]|\([^()]*\))+)\)/g)];
      return [...windows, ...extremes].map(([, by = '']) => `${title}: ${by}`);
    });

    expect(orderings.length).toBeGreaterThanOrEqual(4);
    expect(orderings.filter((each) => !/\bstart_time, id\)?$/.test(each))).toEqual([]);
  });

  it('return the same for any order in which rows with equal start times are loaded', async () => {
    const midnightMs = Math.floor(Date.now() / (24 * hourMs)) * 24 * hourMs;
    const statuses = ['SUCCESS', 'ALARMING', 'FAILED'];
    // Each task has nine executions per day in the same second, with three statuses and durations.
    const rows = Array.from({ length: 5 * 4 * 9 }, (_, index) => {
      const [copy, task, daysAgo] = [index % 9, Math.floor(index / 9) % 5, 1 + Math.floor(index / 45)];
      const startTimeMs = midnightMs - daysAgo * 24 * hourMs;
      const workspace = copy % 2 === 0 ? 'w' : 'v';
      return anObservation({
        ...{
          id: BigInt((index * 7) % 180),
          taskId: BigInt(task),
          name: `rule ${task}-${copy}`,
          workspace,
          startTimeMs,
        },
        ...{ runStatus: statuses[(copy * 2 + daysAgo) % 3] ?? null, notifyStatus: null },
        endTimeMs: startTimeMs + 1000 * (copy % 3),
      });
    });
    const answers = async (loaded: readonly (typeof rows)[number][]) => {
      const store = await tempWarehouse();
      await writeObservations(store, loaded);
      const sql = await opened(store);
      const found = [];
      for (const query of queries.filter(
        ({ title, sql: asked }) => title === stopped || (title !== 'Freshness of the table' && !needsTasks.test(asked)),
      )) {
        found.push({ title: query.title, rows: await ask(sql, query.sql) });
      }
      return found;
    };

    const [inOrder, reversed] = [await answers(rows), await answers(rows.toReversed())];
    expect(reversed).toEqual(inOrder);
    expect(inOrder.filter((answer) => answer.rows.length === 0).map(({ title }) => title)).toEqual([stopped]);
  });

  it("compute median and 95th percentile of a rule's duration, by nearest rank", async () => {
    const store = await tempWarehouse();
    const lasting = (taskId: bigint, millis: number, id: bigint) =>
      anObservation({ id, taskId, name: `rule ${taskId}`, endTimeMs: newYearMs + millis });
    await writeObservations(store, [
      // 1 s to 20 s: the 10th and the 19th of twenty.
      ...Array.from({ length: 20 }, (_, index) => lasting(1n, (index + 1) * 1000, BigInt(index))),
      lasting(2n, 90_500, 100n),
      anObservation({ id: 200n, taskId: 2n, endTimeMs: null, runStatus: 'RUNNING' }),
    ]);

    expect(await ask(await opened(store), sqlOf('Slowest rules'))).toMatchObject([
      { task_id: 2n, name: 'rule 2', runs: 1n, p50_seconds: 90.5, p95_seconds: 90.5 },
      { task_id: 1n, name: 'rule 1', runs: 20n, p50_seconds: 10, p95_seconds: 19 },
    ]);
  });

  it('find rules that stopped, judged by their own interval and the newest execution of their workspace', async () => {
    const store = await tempWarehouse();
    const nextId = counter();
    const ranAtHours = (taskId: bigint, hours: readonly number[], workspace = 'w') =>
      hours.map((hour) => anObservation({ id: nextId(), taskId, workspace, startTimeMs: newYearMs + hour * hourMs }));
    await writeObservations(store, [
      ...ranAtHours(1n, [0, 24, 48, 72, 96, 120]),
      // Hourly, last at 3 h of 120 h: still for 117 hours.
      ...ranAtHours(2n, [0, 1, 2, 3]),
      // Exactly twice its longest pause is not yet more than twice.
      ...ranAtHours(3n, [0, 20, 40, 80]),
      // Known for less than a week, and still for less than three days: it may pause on weekends.
      ...ranAtHours(6n, [47, 48, 49]),
      // Known for longer, with a run every day: still for 71 hours.
      ...ranAtHours(7n, [-168, -144, -120, -96, -72, -48, -24, 0, 24, 49]),
      // Two executions do not define an interval.
      ...ranAtHours(4n, [0, 1]),
      // Another workspace, which as a whole is behind.
      ...ranAtHours(5n, [0, 1, 2], 'behind'),
    ]);

    const found = await ask(await opened(store), sqlOf(stopped));
    expect(found).toMatchObject([
      { task_id: 2n, runs: 4n, last_run: '2026-01-01T03:00:00.000Z', longest_pause_hours: 1, still_for_hours: 117 },
      { task_id: 7n, runs: 10n, longest_pause_hours: 25, still_for_hours: 71 },
    ]);
  });

  it('find rules whose last outcome changed from the day before yesterday to yesterday', async () => {
    const store = await tempWarehouse();
    const midnightMs = Math.floor(Date.now() / (24 * hourMs)) * 24 * hourMs;
    const nextId = counter();
    const ended = (taskId: bigint, daysAgo: number, hour: number, runStatus: string) =>
      anObservation({
        id: nextId(),
        taskId,
        runStatus,
        startTimeMs: midnightMs - daysAgo * 24 * hourMs + hour * hourMs,
      });
    await writeObservations(store, [
      ...[
        ended(1n, 2, 1, 'FAILED'),
        ended(1n, 2, 2, 'SUCCESS'),
        ended(1n, 1, 1, 'SUCCESS'),
        ended(1n, 1, 2, 'ALARMING'),
      ],
      ...[ended(2n, 2, 1, 'SUCCESS'), ended(2n, 1, 1, 'FAILED'), ended(2n, 1, 2, 'SUCCESS')],
      ...[ended(3n, 3, 1, 'FAILED'), ended(3n, 1, 1, 'SUCCESS')],
      ...[ended(4n, 2, 1, 'FAILED'), ended(4n, 1, 1, 'SUCCESS'), ended(4n, 1, 2, 'RUNNING')],
    ]);

    expect(await ask(await opened(store), sqlOf('Status changes between two days'))).toMatchObject([
      { task_id: 1n, status_before: 'SUCCESS', status_after: 'ALARMING' },
      { task_id: 4n, status_before: 'FAILED', status_after: 'SUCCESS' },
    ]);
  });
});
