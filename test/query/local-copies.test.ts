/** SQL over local copies of the data files of a warehouse in S3. */
import { readdirSync } from 'node:fs';
import { readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFileStore } from '../../functions/warehouse/file-store.ts';
import { openS3Store } from '../../functions/warehouse/s3-store.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { FakeS3 } from '../support/fake-s3.ts';
import { tempFolder } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';

const hourMs = 3_600_000;

const everything = 'SELECT count(name) AS n FROM quality_instances';

/** Opens a warehouse with three files in S3, all of them in the cache. */
async function aCopiedWarehouse() {
  const fake = await FakeS3.start();
  const store = openS3Store({ bucket: fake.bucket, client: fake.client() });
  const keys = await writeObservations(
    store,
    [0, 1, 2].map((day) => anObservation({ startTimeMs: newYearMs + day * 24 * hourMs })),
  );
  const cache = join(await tempFolder(), 'cache');
  await ask(await opened(store, cache), everything);
  return { fake, store, cache, keys };
}

async function aWarehouseOfOneFile() {
  const fake = await FakeS3.start();
  const store = openS3Store({ bucket: fake.bucket, client: fake.client() });
  const [key = ''] = await writeObservations(store, [anObservation()]);
  return { fake, store, key };
}

describe('SQL over a warehouse in S3', () => {
  it('copies each data file once', async () => {
    const fake = await FakeS3.start();
    const store = openS3Store({ bucket: fake.bucket, prefix: 'dq', client: fake.client() });
    const cache = join(await tempFolder(), 'cache');
    const manyDays = Array.from({ length: 12 }, (_, day) =>
      anObservation({ startTimeMs: newYearMs + day * 24 * hourMs }),
    );
    await writeObservations(store, manyDays);
    const first = await ask(await opened(store, cache), 'SELECT count(*) AS n FROM quality_instances');
    const gets = () => fake.requests.filter((request) => request.startsWith('GET'));
    expect(first).toEqual([{ n: 12n }]);
    expect(gets()).toHaveLength(12);

    await writeObservations(store, [anObservation({ runId: 'later', id: 5n })]);

    expect(await ask(await opened(store, cache), 'SELECT count(*) AS n FROM quality_instances')).toEqual([{ n: 13n }]);
    expect(gets()).toHaveLength(13);
  });

  it('copies files again if their size in the cache differs', async () => {
    const { fake, store, cache, keys } = await aCopiedWarehouse();
    for (const [index, bytes] of [Buffer.from('<html></html>'), Buffer.alloc(0)].entries()) {
      await writeFile(join(cache, keys[index] ?? ''), bytes);
    }
    const before = fake.requests.length;

    expect(await ask(await opened(store, cache), 'SELECT count(name) AS n FROM quality_instances')).toEqual([
      { n: 3n },
    ]);
    expect(fake.requests.slice(before).filter((request) => request.startsWith('GET'))).toHaveLength(2);

    await ask(await opened(store, cache), everything);
    expect(fake.requests.slice(before).filter((request) => request.startsWith('GET'))).toHaveLength(2);
  });

  it('reports the folder of the copies if one is damaged but has the right size', async () => {
    const { store, cache, keys } = await aCopiedWarehouse();
    const path = join(cache, keys[0] ?? '');
    await writeFile(path, (await readFile(path)).fill(0xff));

    const run = opened(store, cache).then((sql) => sql.run('SELECT count(name) FROM quality_instances'));

    await expect(run).rejects.toMatchObject({
      kind: 'storage',
      remedy: expect.stringContaining(`the folder ${cache}`),
    });
  });

  it('keeps no reply that is shorter than the listed file, and recovers as soon as S3 does', async () => {
    const { fake, store, key } = await aWarehouseOfOneFile();
    const cache = join(await tempFolder(), 'cache');
    fake.faults.push({ method: 'GET', failure: { body: '<html>Sign in</html>', etag: '"e"' } });

    await expect(ask(await opened(store, cache), everything)).rejects.toMatchObject({
      kind: 'storage',
      retryable: true,
      message: expect.stringMatching(`^${key} was listed in s3://warehouse, but has 20 bytes instead of \\d+`),
    });

    expect(await ask(await opened(store, cache), everything)).toEqual([{ n: 1n }]);
  });

  it('requests no more files after a failure, and reports it when no request is in flight', async () => {
    const fake = await FakeS3.start();
    const store = openS3Store({ bucket: fake.bucket, client: fake.client() });
    const days = Array.from({ length: 120 }, (_, day) => newYearMs + day * 24 * hourMs);
    await writeObservations(
      store,
      days.map((startTimeMs) => anObservation({ startTimeMs })),
    );
    fake.faults.push({ method: 'GET', failure: 'AccessDenied' });
    const cache = join(await tempFolder(), 'cache');

    await expect(ask(await opened(store, cache), everything)).rejects.toMatchObject({ code: 'AccessDenied' });

    // Checked immediately, before requests in flight could end.
    const copies = readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.parquet'),
    );
    const asked = fake.requests.filter((request) => request.startsWith('GET')).length;
    expect(copies).toHaveLength(asked - 1);
    expect(asked).toBeLessThan(100);
  });
});

describe('SQL over a folder', () => {
  it.each([
    ['a day', 1],
    ['a file of a day', 0],
    ['all days of a workspace', 2],
  ])('follows a link to %s elsewhere', async (_, up) => {
    const root = await tempFolder();
    const store = openFileStore(`file:${join(root, 'warehouse')}`);
    const [key = ''] = await writeObservations(store, [
      anObservation(),
      anObservation({ startTimeMs: newYearMs + 24 * hourMs }),
    ]);
    const linked = join(
      root,
      'warehouse',
      key
        .split('/')
        .slice(0, 4 - up)
        .join('/'),
    );
    await rename(linked, join(root, 'elsewhere'));
    await symlink(join(root, 'elsewhere'), linked);
    const sql = await opened(store, join(root, 'cache'));
    expect(await ask(sql, 'SELECT count(*) AS n, count(DISTINCT dt) AS days FROM quality_instances')).toEqual([
      { n: 2n, days: 2n },
    ]);
  });
});
