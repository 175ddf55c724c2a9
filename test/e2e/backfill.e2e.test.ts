/**
 * A backfill on an emulator of AWS: state machine → function → table, beside a sync, with an invocation killed in the
 * middle.
 *
 * What MiniStack cannot show: it lets a state machine invoke a function beyond its reserved concurrency, and gives it
 * the same of every error that a function throws, so that all are tried again.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { decodeAnyCheckpoint } from '../../functions/checkpoint/codec.ts';
import { watermarkOf } from '../../functions/checkpoint/coverage.ts';
import { checkpointKey } from '../../functions/warehouse/layout.ts';
import { defaultAccount } from '../simulator/accounts.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { runCli } from '../support/run-cli.ts';
import { tempFolder } from '../support/temp-warehouse.ts';
import { eventually, provideMiniStack, region } from './ministack.ts';
import { Stage } from './stage.ts';

const isProvided = await provideMiniStack();
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const rowCount = 25_000;
const stackName = 'dqsync-backfill-e2e';
const other = { ...defaultWorkspace, workspace: 'b1d0c7a5e3f24d6a8b9c0e1f2a3b4c5d' };

const started = z.object({ executionArn: z.string() });
const execution = z.object({
  status: z.string(),
  output: z.string().nullish(),
  error: z.string().nullish(),
  cause: z.string().nullish(),
});
const event = z.object({ type: z.string(), taskFailedEventDetails: z.object({ cause: z.string() }).nullish() });
const history = z.object({ events: z.array(event) });
const summaries = z.array(z.object({ target: z.string(), mode: z.string(), done: z.boolean(), from: z.string() }));

describe.skipIf(!isProvided)('a backfill on an emulated AWS', () => {
  let stage: Stage;
  const nowMs = Date.now();
  const range = { from: new Date(nowMs - 40 * dayMs).toISOString(), to: new Date(nowMs - 10 * dayMs).toISOString() };

  const start = async (input: unknown): Promise<string> => {
    const { BackfillStateMachineArn: stateMachineArn } = stage.deployed.outputs;
    const body = { stateMachineArn, input: JSON.stringify(input) };
    return started.parse(await stage.ministack.call('AWSStepFunctions.StartExecution', body)).executionArn;
  };
  const describeExecution = async (executionArn: string) =>
    execution.parse(await stage.ministack.call('AWSStepFunctions.DescribeExecution', { executionArn }));
  const ended = async (executionArn: string, withinMs: number) => {
    await eventually(
      'the backfill ends',
      withinMs,
      async () => (await describeExecution(executionArn)).status !== 'RUNNING',
    );
    return describeExecution(executionArn);
  };
  const eventsOf = async (executionArn: string) => {
    const body = { executionArn, maxResults: 1000 };
    return history.parse(await stage.ministack.call('AWSStepFunctions.GetExecutionHistory', body)).events;
  };
  const countEvents = async (executionArn: string, type: string): Promise<number> =>
    (await eventsOf(executionArn)).filter((each) => each.type === type).length;
  const causesOfFailedTasks = async (executionArn: string): Promise<string[]> =>
    (await eventsOf(executionArn)).flatMap(({ taskFailedEventDetails }) => taskFailedEventDetails?.cause ?? []);
  /** Kills the sandbox of the target that works: a sandbox ends with the invocation that failed in it. */
  const killSandbox = async (): Promise<void> => {
    let pids: readonly number[] = [];
    await eventually('one sandbox is left', 20_000, async () => {
      pids = await stage.ministack.sandboxes(stage.deployed.outputs.BackfillFunctionName);
      return pids.length === 1;
    });
    for (const pid of pids) {
      process.kill(pid, 'SIGKILL');
    }
  };
  const checkpoint = async (target: string) => {
    const object = await stage.store.get(checkpointKey(target));
    return object === null ? null : decodeAnyCheckpoint(object.bytes, target, 'the checkpoint');
  };
  const watermark = async (target: string): Promise<number> => {
    const known = await checkpoint(target);
    return known === null ? 0 : (watermarkOf(known) ?? 0);
  };
  const backfilledRows = async (): Promise<number> => {
    const { coverage = [] } = (await checkpoint('sales')) ?? {};
    const old = coverage.filter(({ toMs }) => toMs <= nowMs - 9 * dayMs);
    return old.reduce((sum, { rows }) => sum + rows, 0);
  };

  beforeAll(async () => {
    stage = await Stage.open({
      stackName,
      targets: { sales: defaultWorkspace, hr: other },
      // Slow enough for three invocations.
      quota: { requests: 12, perSeconds: 1 },
      config: { initialFrom: new Date(nowMs - 2 * hourMs).toISOString(), maxRunSeconds: 8 },
    });
    const old = { fromMs: nowMs - 39 * dayMs, toMs: nowMs - 11 * dayMs };
    stage.simulator.life.addMany(rowCount, old);
    for (const { workspace } of stage.simulator.workspaces) {
      stage.simulator.life.addMany(200, { fromMs: nowMs - hourMs, toMs: nowMs, workspace });
    }
    stage.simulator.life.addMany(100, { ...old, workspace: other.workspace });
  }, 180_000);

  afterAll(() => stage?.close());

  it.each([{ form: '2026-01-01' }, { targets: ['nobody'] }, { targets: [] }])('refuses the input %j', async (input) => {
    const { status, error, cause } = await ended(await start(input), 10_000);
    expect({ status, error }).toEqual({ status: 'FAILED', error: 'ConfigError' });
    expect(cause).toContain('"targets" may name: sales, hr');
  });

  it('reads the whole range part by part, despite one kill, a sync and a failing target', async () => {
    await stage.putSecret('sales', defaultAccount.password);
    const beganMs = Date.now();
    const arn = await start({ ...range, targets: ['sales', 'hr'] });

    await eventually('something is committed', 60_000, async () => (await backfilledRows()) > 0);
    await stage.invoke('Event');
    await killSandbox();
    expect(await backfilledRows()).toBeLessThan(rowCount);

    const { status, error, cause } = await ended(arn, 150_000);
    expect({ status, error }).toEqual({ status: 'FAILED', error: 'TargetsFailedError' });
    expect(cause).toMatch(/^1 of 2 targets failed\. target hr: /);
    expect(cause).toContain('the secret secretsmanager:dataarts/hr');
    expect(await causesOfFailedTasks(arn)).toContainEqual(expect.stringContaining('process died'));
    expect(await countEvents(arn, 'TaskSucceeded')).toBeGreaterThanOrEqual(3);
    expect(await backfilledRows()).toBe(rowCount);
    // A backfill moves no watermark.
    await eventually('the sync moves the watermark', 30_000, async () => (await watermark('sales')) > beganMs);
  }, 330_000);

  it('reads the missing rest, with rule results, when it is started again from the terminal', async () => {
    await stage.putSecret('hr', defaultAccount.password);
    // The schedule may fire meanwhile.
    let requests = 0;
    stage.simulator.traps.beforePage = ({ query }) => {
      requests += (query.endTimeMs ?? nowMs) < nowMs - 9 * dayMs ? 1 : 0;
    };

    const { exitCode, stdout, stderr } = await runCli(
      ['backfill', '--from', range.from, '--to', range.to, '--deployed', stackName, '--results', '--json'],
      {
        cwd: await tempFolder(),
        env: {
          AWS_ENDPOINT_URL: stage.ministack.endpoint,
          AWS_REGION: region,
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'test',
        },
      },
    );

    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: expect.stringMatching(
        /^Athena shows no day before \S+\. .*deployment\.firstDay.*\nStarted: arn:aws:states:/,
      ),
    });
    expect(summaries.parse(JSON.parse(stdout))).toEqual(
      ['sales', 'hr'].map((target) => ({ target, mode: 'backfill', done: true, from: range.from })),
    );
    expect(requests).toBeGreaterThan(0);
    // All rows again would take 250 requests. How many the rest takes depends on how far each invocation gets.
    expect(requests).toBeLessThan(100);
    expect((await stage.invoke('RequestResponse')).failed).toBe(false);
    await stage.expectTruth();
    await stage.expectResults(other.workspace);
  }, 120_000);
});
