/** SELECTs over partitions that the caller names. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { noPartitions, type PartitionFilter } from '../../functions/query/duckdb.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';

const dayMs = 86_400_000;

/** One execution on each of the first five days of the year. */
async function aWarehouse() {
  const store = await tempWarehouse();
  const rows = Array.from({ length: 5 }, (_, day) => anObservation({ startTimeMs: newYearMs + day * dayMs }));
  return { store, keys: await writeObservations(store, rows) };
}

const until =
  (lastDay: string): PartitionFilter =>
  ({ table, dt }) =>
    table === 'quality_instance_observations' && dt <= lastDay;

describe('a SELECT over known partitions', () => {
  it('reads the files of these, or of none', async () => {
    const { store } = await aWarehouse();
    const sql = await opened(store);
    const count = 'SELECT count(*) FROM quality_instances';

    expect((await sql.run(count, until('2026-01-03'))).rows).toEqual([[3n]]);
    expect((await sql.run(count, noPartitions)).rows).toEqual([[0n]]);
  });

  it('can be kept in memory, and SELECTs over what is kept need no file', async () => {
    const { store, keys } = await aWarehouse();
    const sql = await opened(store);
    await sql.keep('days', `SELECT dt, run_status AS "the status" FROM quality_instances`, until('2026-01-02'));
    await Promise.all(keys.map((key) => writeFile(join(store.folder, key), 'archived')));

    expect(await ask(sql, `SELECT count("the status") AS n, max(dt) AS last FROM days`)).toEqual([
      { n: 2n, last: '2026-01-02' },
    ]);
    await expect(sql.keep('more', 'FROM quality_instances', until('2026-01-02'))).rejects.toMatchObject({
      kind: 'storage',
    });
    await expect(sql.keep('wrong', 'SELECT nme FROM days', noPartitions)).rejects.toMatchObject({ kind: 'config' });
  });

  it('may only read', async () => {
    const { store } = await aWarehouse();
    const sql = await opened(store);

    const copy = `COPY (SELECT 1) TO '${join(store.folder, 'x.csv')}'`;
    await expect(sql.run(copy, noPartitions)).rejects.toMatchObject({ kind: 'config' });
  });
});
