/** Runs `dqsync query`. */
import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openS3Store } from '../../../functions/warehouse/s3-store.ts';
import { anObservation, newYearMs } from '../../support/builders.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { tempFolder } from '../../support/temp-warehouse.ts';
import { writeObservations } from '../../support/warehouse-data.ts';
import { addExecutions, aWorld, hourMs } from '../world.ts';

async function aSyncedWorld(rows = 120) {
  const world = await aWorld();
  await world.configure((config) => Object.assign(config, { results: 'none' }));
  addExecutions(world, rows);
  const { id } = world.simulator.life.addExecution({
    name: 'a "quoted", name',
    startTimeMs: world.simulator.clock.now() - 3_600_000,
  });
  expect((await world.call(['sync'])).exitCode).toBe(0);
  return { world, id: String(id) };
}

describe('dqsync query', () => {
  it('prints a table of limited length, with a note that distinguishes no match from an empty table', async () => {
    const { world } = await aSyncedWorld();
    const all = await world.call(['query', 'SELECT id, run_status FROM quality_instances']);
    expect(all.exitCode).toBe(0);
    expect(all.stdout.split('\n')).toHaveLength(102);
    expect(all.stderr).toBe('The first 100 of 121 rows: show more with --max-rows, or all with --csv or --json.\n');
    const few = await world.call(['query', 'SELECT count(*) AS n FROM quality_instances', '--max-rows', '5']);
    expect(few).toMatchObject({ stdout: '  n\n121\n', stderr: '(1 row)\n' });

    const ask = async (...args: string[]) => (await world.call(['query', ...args])).stderr;
    const noMatch = 'The warehouse has data, but no rows that match. "dqsync status" shows which days are covered.\n';
    expect(await ask('SELECT id FROM quality_instances WHERE id = 1')).toBe(`(0 rows)\n${noMatch}`);
    expect(await ask('--csv', 'SELECT id FROM quality_instances WHERE id = 1')).toBe('');
    expect(await ask('SELECT 1 AS one WHERE false')).toBe('(0 rows)\n');
    expect(await ask('SELECT rule_id FROM quality_results')).toBe(
      '(0 rows)\nThe warehouse has no rule results yet. To read them: dqsync sync --results\n',
    );
  });

  it('prints times in the zone of the config, and a text that looks like one as it is', async () => {
    const world = await aWorld();
    await world.configure((config) => Object.assign(config, { partitionTimeZone: 'Asia/Shanghai' }));
    const instant = '2026-01-01T20:00:00Z';
    const { stdout } = await world.call(['query', `SELECT '${instant}' AS text, TIMESTAMP '${instant}' AS time`]);
    expect(stdout.split('\n')[1]?.split(/ {2,}/)).toEqual([instant, '2026-01-02T04:00:00+08:00']);
  });

  it('prints CSV with the necessary quotes, and JSON, both with exact ids', async () => {
    const { world, id } = await aSyncedWorld(3);
    const run = await world.cli([
      'query',
      '--csv',
      `SELECT id, name, NULL AS nothing, '' AS empty FROM quality_instances WHERE id = ${id}`,
    ]);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toBe(`id,name,nothing,empty\n${id},"a ""quoted"", name",,""\n`);
    const json = await world.call([
      'query',
      '--json',
      `SELECT id, name, start_time, 1::INTEGER AS one, NULL AS nothing, id AS id FROM quality_instances WHERE id = ${id}`,
    ]);
    expect(json).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toEqual([
      {
        id,
        name: 'a "quoted", name',
        start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        one: 1,
        nothing: null,
        id_2: id,
      },
    ]);
  });

  it('prints each column of a repeated name as JSON, under a number that no other column has', async () => {
    const { world } = await aSyncedWorld(0);

    const { stdout } = await world.call(['query', '--json', 'SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a, 5 AS a_2']);

    expect(JSON.parse(stdout)).toEqual([{ a: 1, a_3: 2, a_2: 3, a_4: 4, a_2_2: 5 }]);
  });

  it.each([
    [[], 'n\n0\n', '(1 row)\nThe warehouse has no executions yet. To read them: dqsync sync\n'],
    [['--csv'], 'n\n0\n', ''],
    [['--json'], '[\n  {\n    "n": "0"\n  }\n]\n', ''],
  ])('works with an empty warehouse, and tells people that it is empty: %j', async (options, stdout, stderr) => {
    const world = await aWorld();
    const run = await world.call(['query', ...options, 'SELECT count(*) AS n FROM quality_instances']);
    expect(run).toEqual({ exitCode: 0, signal: null, stdout, stderr });
  });

  it.each([
    ['SELEC 1', 'Fix the SQL'],
    ['SELECT\nnothing FROM quality_instances', '(line 2: nothing FROM quality_instances)'],
    ['SELECT nothing FROM quality_instances', 'quality_instances has the columns id, name'],
    ['SELECT name FROM quality_tasks', 'quality_tasks has the columns task_id, task_type, task_name'],
    ['FROM nowhere', 'The other views are quality_tasks, quality_rules, quality_results, quality_failures.'],
    ["COPY (SELECT 1) TO 'out.csv'", 'error:'],
  ])('refuses %s with exit code 2 and one paragraph', async (sql, message) => {
    const world = await aWorld();
    const run = await world.call(['query', sql]);
    expect(run).toMatchObject({ exitCode: 2, stdout: '' });
    expect(run.stderr).toContain(message);
    expect(run.stderr.trimEnd()).not.toContain('\n');
  });

  it.each(['', '; SELECT 1'])('names a data file that this user may not read as the cause, with %j', async (more) => {
    const { world } = await aSyncedWorld(1);
    const warehouse = join(world.folder, 'warehouse');
    for (const path of await readdir(world.folder, { recursive: true })) {
      await chmod(join(world.folder, path), path.endsWith('.parquet') ? 0 : 0o755);
    }
    await chmod(world.folder, 0o755);
    // Root may read every file.
    const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
    const run = await world.cli(['query', `SELECT count(name) FROM quality_instances${more}`], user && { user });
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain(`cannot read ${join(warehouse, 'quality_instance_observations')}`);
    expect(run.stderr).toContain(
      '.parquet: permission denied (code EACCES). Give the user that runs dqsync permission',
    );
    expect(run.stderr).not.toContain('damaged');
  });
});

/** Writes three days to S3, each of which is a file and a page of the listing. */
async function aWorldInS3() {
  const world = await aWorld();
  const s3 = await FakeS3.start();
  s3.pageSize = 1;
  await world.configure((config) => {
    config['warehouse'] = `s3://${s3.bucket}/dq`;
  });
  await writeObservations(
    openS3Store({ bucket: s3.bucket, prefix: 'dq', client: s3.client() }),
    [0, 1, 2].map((day) => anObservation({ startTimeMs: newYearMs + day * 24 * hourMs })),
  );
  const env = s3.environment;
  const count = () => world.call(['query', '--csv', 'SELECT count(name) AS n FROM quality_instances'], { env });
  return { world, s3, count };
}

describe('dqsync query over S3', () => {
  it('keeps copies in the folder of DQSYNC_CACHE, and nothing in the working directory', async () => {
    const { world, s3 } = await aWorldInS3();
    const cache = join(await tempFolder(), 'cache');
    const args = ['query', '--csv', 'SELECT count(name) AS n FROM quality_instances'];
    const before = await readdir(world.folder);

    const run = await world.call(args, { env: { ...s3.environment, DQSYNC_CACHE: cache } });

    expect(run).toMatchObject({ exitCode: 0, stdout: 'n\n3\n' });
    expect(await readdir(world.folder)).toEqual(before);
    expect((await readdir(cache, { recursive: true })).filter((path) => path.endsWith('.parquet'))).toHaveLength(3);
  });

  it('reports the cache, not the warehouse, if copies cannot be written', async () => {
    const { world, s3 } = await aWorldInS3();
    await world.write('taken', '');

    const env = { ...s3.environment, DQSYNC_CACHE: join(world.folder, 'taken') };
    const run = await world.call(['query', 'SELECT count(name) FROM quality_instances'], { env });

    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('cannot keep copies of the data files');
    expect(run.stderr).toContain('DQSYNC_CACHE');
    expect(run.stderr).not.toContain('"warehouse"');
  });
});

const html = { body: '<html><body>Sign in</body></html>', etag: '"e"' };
const truncated = { body: '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>' };
const isLaterPage = (url: URL) => url.searchParams.has('continuation-token');

describe('dqsync query over S3 behind a middlebox that replies itself', () => {
  it.each([
    ['a page of the listing', { method: 'LIST', when: isLaterPage, failure: html }, 'an incomplete listing'],
    [
      'a page that names no next one',
      { method: 'LIST', when: isLaterPage, failure: truncated },
      'an incomplete listing',
    ],
    ['a data file', { method: 'GET', failure: html }, 'bytes instead of'],
  ] as const)('fails while the replies for %s are wrong, and recovers afterwards', async (_, fault, message) => {
    const { s3, count } = await aWorldInS3();
    s3.faults.push(...Array.from({ length: 30 }, () => fault));

    const run = await count();

    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toMatch(new RegExp(message));
    s3.faults.length = 0;
    expect(await count()).toMatchObject({ exitCode: 0, stdout: 'n\n3\n' });
  });
});
