import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anObservation } from '../support/builders.ts';
import { tempFolder, tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { opened } from '../support/warehouse-sql.ts';

describe('SQL that must not run', () => {
  it("is reported with DuckDB's message if it is wrong", async () => {
    const sql = await opened(await tempWarehouse());

    await expect(sql.run('SELECT nme FROM quality_instances')).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringMatching(/Binder Error: .*nme/),
      remedy: expect.stringContaining('notify_status'),
    });
    await expect(sql.run('SELEC 1')).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringMatching(/Parser Error/),
    });
    await expect(sql.run(`SELECT 'x'::INTEGER`)).rejects.toMatchObject({ kind: 'config' });
  });

  it('is reported as wrong SQL, not as a damaged data file, if it names the data folder', async () => {
    const store = await tempWarehouse();
    const sql = await opened(store);
    const folder = join(store.folder, 'quality_instance_observations');

    await expect(sql.run(`";COPY (SELECT 1) TO '${folder}/x.csv'`)).rejects.toMatchObject({ kind: 'config' });
    await expect(sql.run(`SELECT nme AS "${folder}" FROM quality_instances`)).rejects.toMatchObject({ kind: 'config' });
  });

  it('cannot write files, inside or outside of the warehouse, or read files outside', async () => {
    const store = await tempWarehouse();
    const [key = ''] = await writeObservations(store, [anObservation()]);
    const dataFile = join(store.folder, key);
    const before = await readFile(dataFile);
    const outside = await tempFolder();
    const sql = await opened(store);

    for (const text of [
      `COPY (SELECT 1) TO '${outside}/x.csv'`,
      `COPY (SELECT 1 AS a) TO '${dataFile}'`,
      `EXPLAIN ANALYZE COPY (SELECT 1 AS a) TO '${dataFile}'`,
      `SELECT 1; COPY (SELECT 1 AS a) TO '${dataFile}'`,
      `EXPORT DATABASE '${join(store.folder, 'quality_instance_observations')}'`,
      `ATTACH '${outside}/x.db'`,
      `ATTACH '${join(store.folder, 'quality_instance_observations')}/x.db'`,
      `FROM read_text('/etc/passwd')`,
      `FROM read_csv('${outside}/../x')`,
      `SET enable_external_access = true`,
      `SET allowed_directories = ['/']`,
      `INSTALL httpfs`,
      `LOAD httpfs`,
      `FROM 'https://example.com/x.parquet'`,
      `CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')`,
    ]) {
      await expect(sql.run(text), text).rejects.toMatchObject({ kind: 'config' });
    }

    expect(await readFile(dataFile)).toEqual(before);
    expect(await readdir(outside)).toEqual([]);
    expect(await Array.fromAsync(store.list(''))).toHaveLength(1);
  });
});
