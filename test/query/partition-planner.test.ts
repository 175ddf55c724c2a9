/** The partitions that a query lists, copies and reads. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPartitionPlanner, type PartitionPlanner } from '../../functions/query/partition-planner.ts';
import { dataPrefixes } from '../../functions/warehouse/layout.ts';
import { openS3Store } from '../../functions/warehouse/s3-store.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { FakeS3 } from '../support/fake-s3.ts';
import { tempFolder, tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';

const dayMs = 24 * 3_600_000;
const days = Array.from({ length: 40 }, (_, day) => new Date(newYearMs + day * dayMs).toISOString().slice(0, 10));

/** A warehouse of two workspaces and some of the 40 days, with two executions in each partition. */
async function fill(store: Store, daysOf: readonly number[] = days.map((_, day) => day)): Promise<readonly string[]> {
  return await writeObservations(
    store,
    daysOf.flatMap((day) =>
      ['sales', 'ops'].flatMap((workspace, place) =>
        [1, 2].map((n) =>
          anObservation({
            workspace,
            id: BigInt(1000 * day + 10 * place + n),
            startTimeMs: newYearMs + day * dayMs,
            runStatus: n === 1 ? 'SUCCESS' : 'FAILED',
          }),
        ),
      ),
    ),
  );
}

/** Queries, and how many of the 80 partitions they need. */
const queries: readonly (readonly [string, number])[] = [
  [`SELECT count(*) FROM quality_instances WHERE dt = '2026-01-03'`, 2],
  [`SELECT * FROM quality_instance_observations WHERE dt = '2026-01-03' AND workspace = 'ops' AND name = 'x'`, 1],
  [`FROM quality_instances WHERE dt BETWEEN '2026-01-30' AND '2026-02-01'`, 6],
  [`FROM quality_instances WHERE dt IN ('2026-01-01', '2026-02-09', '2031-01-01')`, 4],
  [`FROM quality_instances WHERE dt = '2026-01-03' OR dt = '2026-01-05'`, 4],
  [`FROM quality_instances WHERE dt LIKE '2026-02-%'`, 18],
  [`FROM quality_instances WHERE dt >= strftime(TIMESTAMP '2026-02-08', '%Y-%m-%d')`, 4],
  [`FROM quality_instances WHERE dt = '2031-01-01'`, 0],
  [`WITH x AS (FROM quality_instances) SELECT count(*) FROM x WHERE dt = '2026-01-03'`, 2],
  [`SELECT dt, count(*) FROM quality_instances GROUP BY dt HAVING dt = '2026-01-03'`, 2],
  [`SELECT unnest([dt]) FROM quality_instances WHERE dt = '2026-01-03' ORDER BY 1 LIMIT 5`, 2],
  [
    `SELECT count(*) FROM quality_instances a JOIN quality_instances b USING (workspace) WHERE a.dt = '2026-01-03' AND b.dt = '2026-01-04'`,
    4,
  ],
  [
    `FROM quality_instances v WHERE dt = '2026-01-03' AND EXISTS (FROM quality_instances w WHERE w.id > v.id AND w.dt = '2026-01-09')`,
    4,
  ],
  [
    `(SELECT id FROM quality_instances WHERE dt = '2026-01-03') EXCEPT (SELECT id FROM quality_instances WHERE dt = '2026-01-04')`,
    4,
  ],
  [`SELECT count(*) FROM quality_instances WHERE dt = '2026-01-03' AND run_status = 'FAILED'`, 2],
  [`EXPLAIN SELECT * FROM quality_instances WHERE dt = '2026-01-03'`, 2],
  ['SELECT 1', 0],
  ['DESCRIBE quality_instances', 0],
  // No condition on partitions, or none that is known before the query runs.
  ['SELECT count(*) FROM quality_instances', 80],
  [`FROM quality_instances WHERE dt::DATE = DATE '2026-01-03'`, 80],
  [`SELECT count(*) FROM quality_instances WHERE run_status = 'FAILED'`, 80],
  ['SELECT count(*) FROM quality_instances WHERE dt = (SELECT max(dt) FROM quality_instances)', 80],
  [`SELECT count(*) FROM quality_instances WHERE dt = '2026-01-03' OR name = 'x'`, 80],
  ['PIVOT quality_instances ON run_status USING count(*) GROUP BY dt', 80],
];

/** Queries about the other tables, and how many partitions of all tables they need. */
const furtherQueries: readonly (readonly [string, number])[] = [
  [`FROM quality_results WHERE dt = '2026-01-03'`, 2],
  [`FROM quality_rule_results WHERE dt = '2026-01-03' AND workspace = 'ops'`, 1],
  [`FROM query('SELECT * FROM quality_' || 'results')`, 80],
  // The latest state of a rule may be of any day.
  [`FROM quality_rules WHERE workspace = 'ops'`, 40],
  ['FROM quality_tasks JOIN quality_instances USING (task_id, workspace)', 2 * 80],
  [`FROM quality_failures WHERE dt = '2026-01-03' AND workspace = 'ops'`, 1 + 1 + 80],
  ['FROM quality_failures', 3 * 80],
  ['PIVOT quality_results ON alarmed USING count(*)', 80],
  ['PIVOT quality_failures ON alarmed USING count(*)', 3 * 80],
  // No plan, and names that the text does not show.
  [`PIVOT (FROM query_table('quality_' || 'instances')) ON run_status USING count(*) GROUP BY dt`, 3 * 80],
  [`PIVOT (FROM query('FROM quality_' || 'results')) ON alarmed USING count(*) GROUP BY dt`, 3 * 80],
  ['SELECT count(*) FROM parts.others', 3 * 80],
  [
    `FROM json_execute_serialized_sql(json_serialize_sql('SELECT count(*) FROM quality_' || 'instance_observations'))`,
    3 * 80,
  ],
  ['SHOW TABLES', 0],
];

/** Opens three tables with the same days of two workspaces. */
function partitionsOf(tables: readonly string[]) {
  return tables.flatMap((table) =>
    days.flatMap((dt) => ['sales', 'ops'].map((workspace) => ({ table, workspace, dt }))),
  );
}

describe('the partition planner', () => {
  let planner: PartitionPlanner;
  beforeAll(async () => {
    planner = await openPartitionPlanner(partitionsOf(dataPrefixes.map((prefix) => prefix.slice(0, -1))));
  });
  afterAll(() => planner.close());

  it.each([...queries, ...furtherQueries])(
    'selects for %s %i partitions of three tables with 80',
    async (sql, count) => {
      expect(await planner.neededBy(sql)).toHaveLength(count);
    },
  );

  it('returns the same rows as reading everything', async () => {
    const store = await tempWarehouse();
    // The days that the queries name, and one more.
    await fill(store, [0, 2, 3, 4, 8, 29, 30, 31, 38, 39]);
    const sql = await opened(store);
    let rows = 0;
    for (const [query] of queries.filter(([text]) => !text.startsWith('EXPLAIN'))) {
      const ofPartitions = await sql.run(query);
      // A statement that only DuckDB itself can run has no plan that shows partitions.
      const ofAll = await sql.run(`CREATE OR REPLACE TEMP TABLE nothing AS SELECT 1; ${query}`);
      const sorted = (result: typeof ofAll) => result.rows.map(String).sort();
      expect(sorted(ofPartitions), query).toEqual(sorted(ofAll));
      rows += ofAll.rows.length;
    }
    expect(rows).toBeGreaterThan(90);
  });

  it('reads everything for names that an expression makes in a statement without a plan', async () => {
    const store = await tempWarehouse();
    await fill(store, [0, 1]);
    const sql = await opened(store);
    const pivot = (from: string) => `PIVOT ${from} ON run_status USING count(*) GROUP BY dt ORDER BY dt`;
    const expected = ['2026-01-01', '2026-01-02'].map((dt) => ({ dt, FAILED: 2n, SUCCESS: 2n }));

    expect(await ask(sql, pivot('quality_instances'))).toEqual(expected);
    expect(await ask(sql, pivot(`(FROM query_table('quality_' || 'instances'))`))).toEqual(expected);
  });

  it('reads one day if all files of the other days are damaged', async () => {
    const store = await tempWarehouse();
    for (const key of await fill(store)) {
      if (!key.includes('dt=2026-01-03')) {
        await writeFile(join(store.folder, key), 'archived');
      }
    }
    const sql = await opened(store);

    expect(await ask(sql, `SELECT count(*) AS n FROM quality_instances WHERE dt = '2026-01-03'`)).toEqual([{ n: 4n }]);
    await expect(sql.run('SELECT count(name) FROM quality_instances')).rejects.toMatchObject({ kind: 'storage' });
  });
});

it('the partition planner selects everything for an unplannable query after the user has created a view', async () => {
  const planner = await openPartitionPlanner(partitionsOf(['quality_instance_observations', 'quality_rule_results']));
  const pivot = 'PIVOT (FROM mine JOIN quality_instances USING (dt)) ON run_status USING count(*)';
  const before = await planner.neededBy(pivot);
  await planner.neededBy('CREATE TEMP VIEW mine AS FROM quality_results');
  const after = await planner.neededBy(pivot);
  await planner.close();

  expect([before, after].map(({ length }) => length)).toEqual([80, 160]);
});

describe('a query over S3', () => {
  /** Runs queries, each with a new cache, and returns the requests to S3. */
  async function requestsOf(sqlText: string, store: Store, fake: FakeS3): Promise<string[]> {
    const sql = await opened(store, join(await tempFolder(), 'cache'));
    fake.requests.length = 0;
    await sql.run(sqlText).catch(() => undefined);
    return fake.requests.map((request) => request.replace(/[^/]*\.parquet$/, ''));
  }

  it('lists and gets only what it needs', async () => {
    const fake = await FakeS3.start();
    const store = openS3Store({ bucket: fake.bucket, client: fake.client() });
    await fill(store);
    const table = 'quality_instance_observations/';
    const inSales = `${table}workspace=sales/dt=2026-01-03/`;
    const inOps = `${table}workspace=ops/dt=2026-01-03/`;
    const day = `WHERE dt = '2026-01-03'`;

    expect(await requestsOf(`FROM quality_instances ${day} AND workspace = 'ops'`, store, fake)).toEqual([
      `LIST ${inOps}`,
      `GET ${inOps}`,
    ]);
    const key = 'quality_rule_results/workspace=ops/dt=2026-01-03/run-0.parquet';
    await store.putIfAbsent(key, Buffer.from('PAR1PAR1'));
    await store.putIfAbsent(key.replace('-03/', '-04/'), Buffer.from('not needed'));
    expect(await requestsOf(`FROM quality_results ${day}`, store, fake)).toEqual([
      'LIST quality_rule_results/workspace=ops/dt=2026-01-03/',
      'GET quality_rule_results/workspace=ops/dt=2026-01-03/',
    ]);
    const ofDay = await requestsOf(`FROM quality_instances ${day}`, store, fake);
    expect(ofDay.sort()).toEqual([`GET ${inOps}`, `GET ${inSales}`, `LIST ${inOps}`, `LIST ${inSales}`]);
    // More than 8 days of a month are read by one listing of the month.
    const january = await requestsOf(
      `FROM quality_instances WHERE workspace = 'ops' AND dt < '2026-02-03'`,
      store,
      fake,
    );
    expect(january.filter((request) => request.startsWith('LIST')).sort()).toEqual([
      `LIST ${table}workspace=ops/dt=2026-01-`,
      ...[1, 2].map((at) => `LIST ${table}workspace=ops/dt=2026-02-0${at}/`),
    ]);
    // Wrong SQL copies nothing.
    expect(await requestsOf('SELECT nme FROM quality_instances', store, fake)).toEqual([]);
    expect(await requestsOf('DELETE FROM quality_instances', store, fake)).toEqual([]);

    fake.requests.length = 0;
    await opened(store, join(await tempFolder(), 'cache'));
    expect([...fake.requests].sort()).toEqual([
      ...[`LIST ${table}`, `LIST ${table}workspace=ops/`, `LIST ${table}workspace=sales/`],
      ...['LIST quality_rule_results/', 'LIST quality_rule_results/workspace=ops/'],
      'LIST quality_task_observations/',
    ]);
  });
});
