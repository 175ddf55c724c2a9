/** Runs the functions as CDK deploys them, each in a separate folder without other files of the project. */
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { defaultAccount } from '../simulator/accounts.ts';
import { startSimulator } from '../simulator/server.ts';
import { bundleHandler } from '../support/bundle.ts';
import { FakeS3 } from '../support/fake-s3.ts';
import { dataInPage } from '../support/page-data.ts';
import { tempFolder } from '../support/temp-warehouse.ts';

const run = promisify(execFile);
const builder = join(import.meta.dirname, '../../functions/lambda/report/build.ts');

/** Invokes the function in a folder, in a clean environment. Returns its result. */
async function invoke(folder: string, environment: Readonly<Record<string, string>>): Promise<unknown> {
  const invoker = join(folder, 'invoke.mjs');
  await writeFile(
    invoker,
    `import { handler } from './index.mjs';
     const returned = await handler({}, { getRemainingTimeInMillis: () => 60_000 });
     console.log(JSON.stringify({ returned }));`,
  );
  const { stdout, stderr } = await run(process.execPath, [invoker], { cwd: folder, env: environment });
  expect(stderr).toBe('');
  const { returned }: { returned: unknown } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  return returned;
}

/** A bucket and a source with 250 executions. */
async function aWorld() {
  const simulator = await startSimulator();
  onTestFinished(() => simulator.close());
  const fromMs = Date.now() - 7_200_000;
  simulator.life.addMany(250, { fromMs, toMs: fromMs + 3_600_000 });
  const s3 = await FakeS3.start();
  const config = {
    warehouse: `s3://${s3.bucket}/quality`,
    source: { endpoint: simulator.url, quota: { requests: 1000, perSeconds: 1 } },
    targets: simulator.workspaces.map((workspace) => ({
      name: 'sales',
      ...workspace,
      credentials: 'env:DQSYNC_SECRET',
    })),
    initialFrom: new Date(fromMs).toISOString(),
  };
  const environment = {
    // parquetjs-lite's Thrift calls `new Buffer`, about which Node warns unless it is in node_modules.
    NODE_OPTIONS: '--disable-warning=DEP0005 --max-semi-space-size=8',
    ...s3.environment,
    DQSYNC_CONFIG: JSON.stringify(config),
  };
  return { s3, environment, secret: { DQSYNC_SECRET: JSON.stringify(defaultAccount.accessKeys[0]) } };
}

it('is smaller than 2 MB, syncs to a bucket, and its report is published there by a function without secrets', async () => {
  const [folder, ofReport, tmp] = await Promise.all([tempFolder(), tempFolder(), tempFolder()]);
  const bundle = await bundleHandler(folder);
  expect(bundle.sizeBytes).toBeLessThan(2_000_000);
  const { s3, environment, secret } = await aWorld();

  expect(await invoke(folder, { ...environment, ...secret })).toMatchObject([
    { target: 'sales', done: true, rowsWritten: 250 },
  ]);
  const keys = [...s3.objects.keys()];
  const isData = (key: string): boolean => /^quality\/quality_instance_observations\/workspace=.*\.parquet$/.test(key);
  // Two data files where midnight lies within the hour.
  expect([1, 2]).toContain(keys.filter(isData).length);
  const state = ['checkpoint.json', 'runs.json'].map((name) => `quality/state/sales/${name}`);
  expect(keys).toEqual(expect.arrayContaining(state));

  s3.requests.length = 0;
  s3.writtenHeaders.length = 0;
  await run(process.execPath, [builder, ofReport, process.arch]);
  expect(await invoke(ofReport, { ...environment, TMPDIR: tmp })).toMatchObject({
    key: 'report/index.html',
    executions: 250,
  });
  const page = Buffer.from(s3.objects.get('quality/report/index.html') ?? '').toString();
  expect(page).toMatch(/^<!doctype html>.*<\/html>\n$/s);
  expect(dataInPage(page).executions).toBe(250);
  expect(s3.requests.filter((request) => request.startsWith('PUT'))).toEqual(['PUT quality/report/index.html']);
  expect(s3.writtenHeaders).toMatchObject([
    { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'max-age=60' },
  ]);
  expect(await readdir(tmp)).toEqual([]);
});
