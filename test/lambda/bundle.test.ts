/** The function as CDK deploys it: one file, made by esbuild, with no node_modules beside it. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { defaultAccount } from '../simulator/accounts.ts';
import { startSimulator } from '../simulator/server.ts';
import { bundleHandler } from '../support/bundle.ts';
import { FakeS3 } from '../support/fake-s3.ts';
import { tempFolder } from '../support/temp-warehouse.ts';

const run = promisify(execFile);

it('is smaller than 2 MB, and syncs to a bucket without anything beside it', async () => {
  const folder = await tempFolder();
  const bundle = await bundleHandler(folder);
  expect(bundle.sizeBytes).toBeLessThan(2_000_000);

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
  const invoker = join(folder, 'invoke.mjs');
  await writeFile(
    invoker,
    `import { handler } from './index.mjs';
     const summaries = await handler({}, { getRemainingTimeInMillis: () => 60_000 });
     console.log(JSON.stringify({ summaries }));`,
  );

  // An environment of its own: what the function needs is in it, and nothing of ours.
  const { stdout, stderr } = await run(process.execPath, [invoker], {
    cwd: folder,
    env: {
      // parquetjs-lite's Thrift calls `new Buffer`, of which Node warns where it does not lie in node_modules.
      NODE_OPTIONS: '--disable-warning=DEP0005',
      ...s3.environment,
      DQSYNC_CONFIG: JSON.stringify(config),
      DQSYNC_SECRET: JSON.stringify(defaultAccount.accessKeys[0]),
    },
  });

  const result: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  expect(result).toMatchObject({ summaries: [{ target: 'sales', done: true, rowsWritten: 250 }] });
  expect(stderr).toBe('');
  const keys = [...s3.objects.keys()];
  const isData = (key: string): boolean => /^quality\/quality_instance_observations\/workspace=.*\.parquet$/.test(key);
  // Two data files where midnight lies within the hour.
  expect([1, 2]).toContain(keys.filter(isData).length);
  const state = ['checkpoint.json', 'runs.json'].map((name) => `quality/state/sales/${name}`);
  expect(keys).toEqual(expect.arrayContaining(state));
});
