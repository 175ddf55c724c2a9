import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import { openConnections } from '../../functions/connect.ts';
import { StorageError } from '../../functions/errors.ts';
import { createHandler } from '../../functions/lambda/create-handler.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { defaultAccount } from '../simulator/accounts.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { changeConfig, deploy, fakeContext, rowsFromMs, secretTexts } from './sandbox.ts';

const emfSchema = z.object({
  CloudWatchMetrics: z.tuple([
    z.object({
      Dimensions: z.array(z.array(z.string())),
      Metrics: z.array(z.object({ Name: z.string(), Unit: z.string() })),
    }),
  ]),
});
const twoWorkspaces = [defaultWorkspace, { projectId: 'project-b', workspace: 'workspace-b' }];
const manyRows = { fromMs: rowsFromMs, toMs: rowsFromMs + 3_600_000 };

describe('an invocation', () => {
  it('syncs every target and returns their summaries as plain JSON', async () => {
    const sandbox = await deploy({ simulator: { workspaces: twoWorkspaces } });
    sandbox.simulator.life.addMany(300, manyRows);
    sandbox.simulator.life.addMany(120, { ...manyRows, workspace: 'workspace-b' });

    const summaries = await sandbox.handler({}, sandbox.context());

    expect(summaries).toMatchObject([
      { target: 'target-1', mode: 'incremental', done: true, rowsWritten: 300 },
      { target: 'target-2', mode: 'incremental', done: true, rowsWritten: 120 },
    ]);
    expect(JSON.parse(JSON.stringify(summaries))).toEqual(summaries);
    expect(await sandbox.countRows()).toEqual({ executions: 420, rows: 420 });
  });

  it('runs only the named targets', async () => {
    const sandbox = await deploy({ simulator: { workspaces: twoWorkspaces } });

    const summaries = await sandbox.handler({ mode: 'incremental', targets: ['target-2'] }, sandbox.context());

    expect(summaries.map(({ target }) => target)).toEqual(['target-2']);
  });

  it('respects the quota across invocations of a warm sandbox', async () => {
    const quota = { requests: 3, perSeconds: 0.5 };
    const sandbox = await deploy({ simulator: { quota } });
    changeConfig(sandbox, (config) => ({ ...config, source: { ...config.source, quota } }));

    for (let invocation = 1; invocation <= 3; invocation += 1) {
      await sandbox.handler({}, sandbox.context());
    }

    expect(sandbox.simulator.counters.instances).toBeGreaterThan(3);
    expect(sandbox.simulator.counters.throttled).toBe(0);
  });

  it('leaves the reserved share of the quota unused in a backfill', async () => {
    const sandbox = await deploy({ simulator: { quota: { requests: 2, perSeconds: 0.5 } } });
    const quota = { requests: 4, perSeconds: 0.5, reservedForSync: 0.5 };
    changeConfig(sandbox, (config) => ({ ...config, source: { ...config.source, quota } }));
    sandbox.simulator.life.addMany(300, manyRows);
    const day = (ms: number): string => new Date(ms).toISOString();

    const event = { mode: 'backfill', from: day(manyRows.fromMs - 1000), to: day(manyRows.toMs) };
    const [summary] = await sandbox.handler(event, sandbox.context());

    expect(summary).toMatchObject({ mode: 'backfill', done: true, rowsWritten: 300 });
    expect(sandbox.simulator.counters.instances).toBeGreaterThan(3);
    expect(sandbox.simulator.counters.throttled).toBe(0);
  });
});

it('a backfill of the future is refused, as by the command line', async () => {
  const { handler, context, logs, simulator } = await deploy();

  const invocation = handler({ mode: 'backfill', from: '2199-01-01', to: '2199-02-01' }, context());

  await expect(invocation).rejects.toMatchObject({
    name: 'ConfigError',
    message: '"from" "2199-01-01" is in the future',
  });
  expect(logs()).toMatchObject([{ message: 'nothing was synced' }]);
  expect(simulator.counters.requests).toBe(0);
});

describe('a target that fails', () => {
  it('does not stop other targets, and fails the invocation with its name and remedy', async () => {
    const sandbox = await deploy({ simulator: { workspaces: twoWorkspaces } });
    sandbox.simulator.life.addMany(120, { ...manyRows, workspace: 'workspace-b' });
    changeConfig(sandbox, ({ targets: [first, ...others], ...config }) => ({
      ...config,
      targets: [{ ...first, workspace: 'no-such-workspace' }, ...others],
    }));

    const invocation = sandbox.handler({}, sandbox.context());

    await expect(invocation).rejects.toMatchObject({
      name: 'TargetsFailedError',
      message: expect.stringMatching(/^1 of 2 targets failed\. target target-1: .*targets\[\]\.workspace/),
    });
    expect(await sandbox.countRows()).toEqual({ executions: 120, rows: 120 });
    expect(sandbox.logs().filter(({ level }) => level === 'ERROR')).toMatchObject([
      {
        message: 'target failed',
        summary: {
          target: 'target-1',
          done: false,
          error: { kind: 'source', code: 'DQC.2001', remedy: expect.stringContaining('targets[].workspace') },
        },
      },
    ]);
    expect(sandbox.metrics().map(({ target }) => target)).toEqual(['target-1', 'target-2']);
  });
});

describe('an invocation with little time', () => {
  // 60 requests are needed. An invocation's time allows for two spans of the quota, 40 requests.
  const scarce = { requests: 20, perSeconds: 1.6 };

  async function deployScarce(config: Record<string, unknown> = {}) {
    const sandbox = await deploy();
    changeConfig(sandbox, ({ source, ...others }) => ({ ...others, ...config, source: { ...source, quota: scarce } }));
    sandbox.simulator.life.addMany(6_000, manyRows);
    return sandbox;
  }

  it("commits and returns done: false before Lambda's time limit, and further invocations finish the work", async () => {
    const sandbox = await deployScarce();
    const dones: boolean[] = [];
    for (let invocation = 1; invocation <= 50 && dones.at(-1) !== true; invocation += 1) {
      const [summary] = await sandbox.handler({}, sandbox.context(4000));
      dones.push(summary?.done ?? false);
    }

    expect(dones[0]).toBe(false);
    expect(dones.at(-1)).toBe(true);
    expect(await sandbox.countRows()).toEqual({ executions: 6_000, rows: 6_000 });
    expect(sandbox.logs()).toContainEqual(expect.objectContaining({ message: 'target to be continued' }));
  });

  it('ends after maxRunSeconds even if Lambda leaves more time', async () => {
    const sandbox = await deployScarce({ maxRunSeconds: 2 });

    expect(await sandbox.handler({}, sandbox.context())).toMatchObject([{ done: false }]);
  });
});

it('a warehouse that does not reply fails the function with a report shortly before Lambda would end it', async () => {
  const { environment, logs } = await deploy();
  const waiting = Promise.withResolvers<void>();
  const hang = (_key: string, stop?: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      stop?.addEventListener('abort', () => reject(new StorageError('it hangs', { remedy: 'Wait.' })));
      waiting.resolve();
    });
  const handler = createHandler({
    environment,
    open: async (...parts) => {
      const connections = await openConnections(...parts);
      return { ...connections, store: { ...connections.store, url: connections.store.url, get: hang } as Store };
    },
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  let ended = false;
  const invocation = handler({}, fakeContext(30_000)).catch((thrown: unknown) => {
    ended = true;
    return thrown;
  });
  await waiting.promise;
  await vi.advanceTimersByTimeAsync(27_900);
  expect(ended).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await invocation).toMatchObject({ name: 'TransientTargetsFailedError' });
  expect(logs()).toContainEqual(expect.objectContaining({ message: 'target failed' }));
});

describe('the output of the function', () => {
  it('has one line per target with its summary, and the request id in every line', async () => {
    const sandbox = await deploy({ simulator: { workspaces: twoWorkspaces } });

    const summaries = await sandbox.handler({ mode: 'incremental' }, sandbox.context());

    const lines = sandbox.logs().filter(({ message }) => message === 'target done');
    expect(lines.map(({ summary }) => summary)).toEqual(summaries);
    expect(lines).toMatchObject(
      summaries.map(() => ({ level: 'INFO', service: 'dqsync', function_request_id: sandbox.context().awsRequestId })),
    );
  });

  it('has only the metrics that apply, for the target or for all, because each published one is charged', async () => {
    const sandbox = await deploy();
    sandbox.simulator.life.addMany(300, manyRows);
    const sent = () =>
      sandbox.metrics().map(({ _aws, ...values }) => {
        const [{ Dimensions, Metrics }] = emfSchema.parse(_aws).CloudWatchMetrics;
        return { Dimensions, values: Metrics.map(({ Name, Unit }) => [Name, Unit, values[Name]]) };
      });

    await sandbox.handler({}, sandbox.context());

    const watermarkAge = ['WatermarkAge', 'Seconds', expect.any(Number)];
    expect(sent()).toEqual([{ Dimensions: [['target']], values: [watermarkAge] }]);
    const [emf] = sandbox.metrics();
    expect(emf).toMatchObject({ target: 'target-1' });

    await sandbox.handler({ mode: 'maintain' }, sandbox.context());

    expect(sent().slice(1)).toEqual([
      { Dimensions: [['target']], values: [watermarkAge, ['LateRows', 'Count', 0]] },
      { Dimensions: [['target']], values: [['AuditFailures', 'Count', 0]] },
    ]);
    const lines = sandbox.logs().filter(({ message }) => message === 'audit ended' || message === 'target done');
    expect(lines).toMatchObject([
      { summary: { mode: 'incremental' }, tookMs: expect.any(Number), commitConflicts: 0 },
      { target: 'target-1', days: expect.any(Number), lateRows: 0, repaired: 0, failed: 0 },
      { summary: { mode: 'maintain', lateRows: 0 } },
    ]);
    // Coverage ends at now less the settle time of 60 s.
    expect(emf?.['WatermarkAge']).toBeGreaterThanOrEqual(60);
    expect(emf?.['WatermarkAge']).toBeLessThan(120);
  });

  it('counts no audit failures in a maintenance of some targets, because a zero would end the alarm of another', async () => {
    const sandbox = await deploy({ simulator: { workspaces: twoWorkspaces } });
    const zeros = () => sandbox.metrics().flatMap((emf) => emf['AuditFailures'] ?? []);
    await sandbox.handler({}, sandbox.context());

    await sandbox.handler({ mode: 'maintain', targets: ['target-2'] }, sandbox.context());
    expect(zeros()).toEqual([]);

    await sandbox.handler({ mode: 'maintain', targets: ['target-2', 'target-1'] }, sandbox.context());
    expect(zeros()).toEqual([0, 0]);
  });

  it('counts the audit failures of all targets at one time, because a later zero would end the alarm', async () => {
    const sandbox = await deploy({ simulator: { workspaces: twoWorkspaces } });
    await sandbox.handler({}, sandbox.context());
    await writeFile(join(sandbox.warehouseFolder, 'state', 'target-1', 'checkpoint.json'), '{');

    await expect(sandbox.handler({ mode: 'maintain' }, sandbox.context())).rejects.toThrow();

    const counted = sandbox.metrics().filter((emf) => 'AuditFailures' in emf);
    expect(counted).toMatchObject([{ target: '*', AuditFailures: [1, 0] }]);
  });

  it.each(['source', 'checkpoint'])(
    'counts an audit that fails as a whole, because its %s cannot be read',
    async (what) => {
      const sandbox = await deploy();
      await sandbox.handler({}, sandbox.context());
      if (what === 'source') {
        sandbox.simulator.traps.faults = [{ kind: 'status', status: 403, when: { from: 1 } }];
      } else {
        await writeFile(join(sandbox.warehouseFolder, 'state', 'target-1', 'checkpoint.json'), '{');
      }
      await expect(sandbox.handler({ mode: 'maintain' }, sandbox.context())).rejects.toThrow();
      expect(sandbox.metrics().flatMap((emf) => emf['AuditFailures'] ?? [])).toEqual([1]);
    },
  );

  it('has the waiting time of rule results while some wait, and none once all have been requested', async () => {
    const sandbox = await deploy();
    sandbox.simulator.life.addMany(300, manyRows);
    sandbox.simulator.traps.faults = [{ kind: 'status', status: 403, when: { from: 1 }, on: 'results' }];
    const waited = () => sandbox.metrics().flatMap((emf) => emf['ResultsWaiting'] ?? []);
    await sandbox.handler({}, sandbox.context());
    const file = join(sandbox.warehouseFolder, 'state', 'target-1', 'results.json');
    const hourAgo = `"waitingSinceMs":${Date.now() - 3_600_000}`;
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"waitingSinceMs":\d+/, hourAgo));
    await sandbox.handler({}, sandbox.context());
    // On a busy machine, the first run may last a second and report that.
    expect(waited().at(-1)).toSatisfy((seconds: number) => seconds >= 3_600 && seconds < 3_700);
    const reports = waited().length;
    expect(sandbox.metrics().at(-1)).toMatchObject({ target: '*' });
    sandbox.simulator.traps.faults = [];
    await sandbox.handler({}, sandbox.context());
    expect(waited()).toHaveLength(reports);
  });

  it("has its metrics in the deployment's namespace if there is one", async () => {
    const sandbox = await deploy();
    sandbox.environment['DQSYNC_METRICS_NAMESPACE'] = 'dqsync/two';

    await sandbox.handler({}, sandbox.context());

    expect(sandbox.metrics()).toMatchObject([{ _aws: { CloudWatchMetrics: [{ Namespace: 'dqsync/two' }] } }]);
  });

  it('has the age of a target that could never be read', async () => {
    const sandbox = await deploy({
      simulator: { traps: { faults: [{ kind: 'status', status: 404, when: { from: 1 } }] } },
    });

    await expect(sandbox.handler({}, sandbox.context())).rejects.toThrow(/^target target-1: the source refuse/);

    expect(sandbox.metrics()).toMatchObject([{ target: 'target-1', WatermarkAge: expect.any(Number) }]);
    // Coverage would begin at initialFrom, two hours ago.
    expect(sandbox.metrics()[0]?.['WatermarkAge']).toBeGreaterThan(7_000);
  });

  it('contains no secret and nothing of the event', async () => {
    const sandbox = await deploy({ secret: defaultAccount.password });
    sandbox.simulator.life.addMany(300, manyRows);

    await sandbox.handler(
      { source: 'aws.scheduler', 'detail-type': 'Scheduled Event', detail: 'words-of-the-event' },
      sandbox.context(),
    );

    expect(sandbox.printed()).toContain('target done');
    for (const text of [...secretTexts, 'words-of-the-event']) {
      expect(sandbox.printed()).not.toContain(text);
    }
  });
});

describe('invalid input', () => {
  it('invalid input in the event is refused before anything is opened', async () => {
    const sandbox = await deploy();

    await expect(sandbox.handler({ mode: 'replay' }, sandbox.context())).rejects.toMatchObject({
      kind: 'config',
      remedy: expect.stringContaining('{"mode":"incremental"}'),
    });

    expect(sandbox.simulator.counters.requests).toBe(0);
    expect(sandbox.logs()).toMatchObject([
      { level: 'ERROR', message: 'nothing was synced', error: { kind: 'config' } },
    ]);
  });

  it('invalid input with an unknown target is reported with the existing targets', async () => {
    const sandbox = await deploy();

    await expect(sandbox.handler({ mode: 'incremental', targets: ['sales'] }, sandbox.context())).rejects.toMatchObject(
      { message: expect.stringContaining('"sales"'), remedy: expect.stringContaining('target-1') },
    );
  });

  it.each([
    ['is missing', undefined, /DQSYNC_CONFIG is not set/],
    ['is no JSON', '{"warehouse": s3cret}', /DQSYNC_CONFIG is not JSON$/],
    [
      'has a wrong key',
      '{"warehouse":"file:./x","sources":{}}',
      /DQSYNC_CONFIG is not a valid configuration: .*"sources"/,
    ],
  ])('is reported with the variable if the configuration %s', async (_what, text, message) => {
    const sandbox = await deploy();
    sandbox.environment['DQSYNC_CONFIG'] = text;

    await expect(sandbox.handler({}, sandbox.context())).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringMatching(message),
    });

    expect(sandbox.printed()).not.toContain('s3cret');
  });

  it('does not prevent later invocations in the same sandbox once the configuration is fixed', async () => {
    const sandbox = await deploy();
    const good = sandbox.environment['DQSYNC_CONFIG'];
    sandbox.environment['DQSYNC_CONFIG'] = '{}';
    await expect(sandbox.handler({}, sandbox.context())).rejects.toMatchObject({ kind: 'config' });
    sandbox.environment['DQSYNC_CONFIG'] = good;

    expect(await sandbox.handler({}, sandbox.context())).toMatchObject([{ done: true }]);
  });

  it('invalid input in a checkpoint fails the target, and is reported with it', async () => {
    const sandbox = await deploy();
    await sandbox.handler({}, sandbox.context());
    await writeFile(join(sandbox.warehouseFolder, 'state', 'target-1', 'checkpoint.json'), '{');

    await expect(sandbox.handler({}, sandbox.context())).rejects.toThrow(/target target-1: .*checkpoint/);

    // The age of the table is unknown without the checkpoint.
    expect(sandbox.metrics()).toHaveLength(1);
  });
});
