import { describe, expect, it } from 'vitest';
import { namedQueries } from '../../functions/query/named-queries.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';

const hourMs = 3_600_000;

describe('named queries', () => {
  const [passRate, failing, silent, freshness] = namedQueries({ view: 'quality_instances', lastDays: null });

  it('have titles of their own', () => {
    const queries = namedQueries({ view: 'v', lastDays: 30 });

    expect(new Set(queries.map((query) => query.title)).size).toBe(queries.length);
    expect(queries.map((query) => query.description)).toEqual(
      queries.map(() => expect.stringContaining('over the last 30 days')),
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

  it('look back as many days as told', async () => {
    const store = await tempWarehouse();
    const day = (daysAgo: number) => anObservation({ startTimeMs: Date.now() - daysAgo * 24 * hourMs });
    await writeObservations(store, [day(0), day(3), day(4)]);
    const sql = await opened(store);

    const counts = namedQueries({ view: 'quality_instances', lastDays: 3 }).map(async (query) => {
      const rows = await ask(sql, query.sql);
      return rows.reduce((sum, row) => sum + Number(row['finished'] ?? row['executions'] ?? 0), 0);
    });

    expect(await Promise.all(counts)).toEqual([2, 0, 0, 2]);
  });

  it('answer from what was written', async () => {
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

    expect(await ask(sql, passRate?.sql ?? '')).toMatchObject([
      { dt: '2026-01-02', finished: 2n, passed: 1n, alarms: 0n, failed: 1n, pass_percent: 50 },
      { dt: '2026-01-01', finished: 5n, passed: 2n, alarms: 3n, failed: 0n, pass_percent: 40 },
    ]);
    expect(await ask(sql, failing?.sql ?? '')).toMatchObject([
      { task_id: 2n, name: 'bad', bad: 2n, finished: 2n, bad_percent: 100, last_bad: '2026-01-01T00:00:00.000Z' },
      { task_id: 4n, bad: 1n, bad_percent: 100 },
      { task_id: 3n, bad: 1n, bad_percent: 50, last_bad: '2026-01-02T00:00:00.000Z' },
    ]);
    expect((await ask(sql, silent?.sql ?? '')).map((row) => row['id'])).toEqual([4n, 7n]);
    expect(await ask(sql, freshness?.sql ?? '')).toMatchObject([
      {
        executions: 8n,
        still_open: 1n,
        newest_execution: '2026-01-02T00:00:00.000Z',
        last_observed: '2026-01-02T00:05:00.000Z',
        minutes_since: expect.any(BigInt),
      },
    ]);
  });
});
