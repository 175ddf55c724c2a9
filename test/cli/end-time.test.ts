/** An execution whose `end_time` is an empty text while it runs. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Received, startLoopback } from '../source/loopback.ts';
import { rowText } from '../source/page-texts.ts';
import { runCli } from '../support/run-cli.ts';
import { tempFolder } from '../support/temp-warehouse.ts';

/** Returns the reply of a source with only this row, which is filtered by the requested window and status. */
function listing(row: string, { url }: Received): { readonly body: string } {
  const { start_time: startTimeMs, run_status: runStatus } = JSON.parse(row);
  const asked = url.searchParams;
  const isIn =
    startTimeMs >= Number(asked.get('start_time')) &&
    startTimeMs <= Number(asked.get('end_time')) &&
    [null, runStatus].includes(asked.get('run_status'));
  const isOnPage = isIn && asked.get('offset') === '0';
  return { body: `{"count":${Number(isIn)},"resources":[${isOnPage ? row : ''}]}` };
}

it('a running execution whose end time is an empty text is re-checked until it ends', async () => {
  const startMs = Date.now() - 7_200_000;
  const fields = { id: '7', start_time: String(startMs) };
  let row = rowText({ ...fields, run_status: '"RUNNING"', end_time: '""' });
  const server = await startLoopback((request) => listing(row, request));
  const cwd = await tempFolder();
  const target = { name: 'sales', projectId: 'p', workspace: 'w', credentials: 'env:SECRET' };
  const initialFrom = new Date(startMs - 3_600_000).toISOString();
  await writeFile(
    join(cwd, 'dqsync.json'),
    JSON.stringify({ warehouse: 'file:./warehouse', source: { endpoint: server.url }, targets: [target], initialFrom }),
  );
  const cli = async (...args: string[]) =>
    JSON.parse((await runCli([...args, '--json'], { cwd, env: { SECRET: '{"token":"static"}' } })).stdout);
  const view = () => cli('query', 'SELECT id, run_status, end_time FROM quality_instances');

  expect(await cli('sync')).toMatchObject([{ done: true, quarantined: 0, openExecutions: 1 }]);
  expect(await view()).toEqual([{ id: '7', run_status: 'RUNNING', end_time: null }]);

  row = rowText({ ...fields, run_status: '"FAILED"', end_time: String(startMs + 60_000) });
  expect(await cli('sync')).toMatchObject([{ done: true, quarantined: 0, openExecutions: 0 }]);
  expect(await view()).toEqual([{ id: '7', run_status: 'FAILED', end_time: new Date(startMs + 60_000).toISOString() }]);
});
