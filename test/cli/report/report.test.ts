/** `dqsync report`: from a synced warehouse to a file. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ReportData } from '../../../functions/report/report-data.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { dataInPage } from '../../support/page-data.ts';
import { aWorld, hourMs, type World } from '../world.ts';

/** A synced world with a task that fails. */
async function aSyncedWorld(): Promise<World> {
  const world = await aWorld();
  const startTimeMs = world.simulator.clock.now() - hourMs;
  world.simulator.life.addExecution({ name: 'rule', runStatus: 'SUCCESS', startTimeMs });
  world.simulator.life.addExecution({ name: '订单 </script>', runStatus: 'FAILED', startTimeMs });
  expect((await world.call(['sync'])).exitCode).toBe(0);
  return world;
}

async function dataIn(path: string): Promise<ReportData> {
  return dataInPage(await readFile(path, 'utf8'));
}

describe('dqsync report', () => {
  it('writes one file and says what fails, or prints one JSON document and writes to the given file', async () => {
    const world = await aSyncedWorld();
    const run = await world.cli(['report']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(
      /^report\.html: 2 executions of 2 tasks, \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d, \d+\.\d kB\n/,
    );
    expect(run.stdout).toMatch(
      /1 task is not passing as of .*Z:\ntask +status +in_a_row +since\n订单 <\/script> +FAILED +1 +\S+Z\n/,
    );
    const data = await dataIn(join(world.folder, 'report.html'));
    expect(data).toMatchObject({ executions: 2, targets: [{ name: 'sales', gaps: 0, error: null }] });
    expect((await readdir(world.folder)).filter((name) => name.startsWith('.dqsync-report'))).toEqual([]);

    const second = await world.call(['report', '--json', '--days', '2', '--out', 'page.html', '--target', 'sales']);
    expect(second).toMatchObject({ exitCode: 0, stderr: '' });
    const document = JSON.parse(second.stdout);
    expect(document).toMatchObject({
      path: join(world.folder, 'page.html'),
      executions: 2,
      failing: [{ name: '订单 </script>', status: 'FAILED', inARow: 1, taskId: expect.stringMatching(/^\d{19}$/) }],
      openIncidents: 1,
      leftOut: { tasks: 0, runsPerTask: 30, rulesPerTask: 10, findingsPerTask: 12, incidents: 0 },
    });
    expect((await readFile(document.path)).length).toBe(document.bytes);
  });

  it('counts neither a deleted task as failing nor its incident as open', async () => {
    const world = await aSyncedWorld();
    const documentNow = async () => {
      expect((await world.call(['sync', '--tasks'])).exitCode).toBe(0);
      return JSON.parse((await world.call(['report', '--json'])).stdout);
    };
    const before = await documentNow();
    expect(before).toMatchObject({ failing: [{ status: 'FAILED' }], openIncidents: 1 });
    world.simulator.life.tasks().remove(BigInt(before.failing[0].taskId));
    expect(await documentNow()).toMatchObject({ tasks: 2, failing: [], openIncidents: 0 });
  });

  it.each([
    ['long before the days shown', '2', 5 * 24 * hourMs, false],
    ['just before the days shown', '2', 24 * hourMs + 60_000, false],
    ['within the days shown', '30', 5 * 24 * hourMs, true],
  ])('knows where coverage begins only if that is within the days shown: %s', async (_, days, beforeMs, isWithin) => {
    const world = await aWorld();
    const todayMs = Math.floor(world.simulator.clock.now() / (24 * hourMs)) * 24 * hourMs;
    const initialFrom = new Date(todayMs - beforeMs).toISOString();
    await world.configure((config) => Object.assign(config, { initialFrom }));
    expect((await world.call(['sync'])).exitCode).toBe(0);
    await world.call(['report', '--days', days]);
    const knownFromMs = isWithin ? Date.parse(initialFrom) : null;
    expect(await dataIn(join(world.folder, 'report.html'))).toMatchObject({ targets: [{ gaps: 0, knownFromMs }] });
  });

  it('shows an empty warehouse, and one whose checkpoint cannot be read', async () => {
    const world = await aWorld();
    expect(await world.call(['report'])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await dataIn(join(world.folder, 'report.html'))).toMatchObject({
      executions: 0,
      targets: [{ watermarkMs: null }],
    });
    expect((await world.call(['sync'])).exitCode).toBe(0);
    await world.write('warehouse/state/sales/checkpoint.json', '{');
    expect((await world.call(['report'])).exitCode).toBe(0);
    const { targets } = await dataIn(join(world.folder, 'report.html'));
    expect(targets).toEqual([expect.objectContaining({ error: expect.stringContaining('checkpoint') })]);
  });

  it.each([
    [['--days', '1'], 'whole number from 2 to 120'],
    [['--days', '121'], 'whole number from 2 to 120'],
    [['--target', 'nobody'], 'nobody'],
    [['--url'], 'a folder, which has no URL for others'],
    [['--url', '--expires', '8d'], 'at most 7d'],
  ])('refuses %j', async (args, message) => {
    const run = await (await aWorld()).call(['report', ...args]);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(message);
  });

  it('reports a file that cannot be written', async () => {
    const run = await (await aWorld()).call(['report', '--out', 'missing/report.html']);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(
      /cannot write the report to .*missing\/report\.html: the folder does not exist \(ENOENT\)/,
    );
  });
});

describe('dqsync report --url', () => {
  it('prints a URL with which anyone can open the published page', async () => {
    const world = await aWorld();
    const s3 = await FakeS3.start();
    const url = (...more: string[]) =>
      world.call(['report', '--url', ...more], { env: { ...s3.environment, AWS_SESSION_TOKEN: 'a/token=' } });
    await world.configure((config) => {
      config['warehouse'] = `s3://${s3.bucket}/dq`;
    });
    const early = await url();
    expect(early).toMatchObject({ exitCode: 2, stdout: '' });
    expect(early.stderr).toMatch(/there is no page report\/index\.html in s3:\/\/warehouse\/dq.*"deployment\.report"/s);

    s3.objects.set('dq/report/index.html', Buffer.from('<p>the page'));
    const run = await url('--expires', '90m');
    expect(run).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Anyone can open it until') });
    const signed = new URL(run.stdout.trim());
    expect(`${signed.origin}${signed.pathname}`).toBe(`${s3.endpoint}/${s3.bucket}/dq/report/index.html`);
    expect(Object.fromEntries(signed.searchParams)).toMatchObject({
      'X-Amz-Credential': expect.stringMatching(/^AKIDEXAMPLE\/\d{8}\/eu-west-1\/s3\/aws4_request$/),
      'X-Amz-Date': expect.stringMatching(/^\d{8}T\d{6}Z$/),
      'X-Amz-Expires': '5400',
      'X-Amz-Security-Token': 'a/token=',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await (await fetch(signed)).text()).toBe('<p>the page');
    const { url: inJson, expires } = JSON.parse((await url('--json')).stdout);
    expect(inJson).toContain('X-Amz-Expires=43200');
    expect(Date.parse(expires)).toBeGreaterThan(Date.now() + 11 * hourMs);
  });
});
