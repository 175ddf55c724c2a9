/** Runs `dqsync list`. */
import { describe, expect, it } from 'vitest';
import { addExecutions, aWorld, hourMs, type World } from '../world.ts';

interface Instance {
  readonly id: string;
  readonly name: string;
  readonly run_status: string;
}

async function listed(world: World, ...args: readonly string[]): Promise<Instance[]> {
  const run = await world.call(['list', '--json', ...args]);
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  return JSON.parse(run.stdout).instances;
}

/** Adds four executions that differ in every filter. */
async function aMixedWorld() {
  const world = await aWorld();
  const { life, clock } = world.simulator;
  const at = (hours: number) => Math.floor(clock.now() / hourMs) * hourMs - hours * hourMs;
  const keys = {
    orders: life.addExecution({ name: 'orders_null_check', startTimeMs: at(5) }),
    alarm: life.addExecution({
      name: 'orders_total',
      startTimeMs: at(4),
      runStatus: 'ALARMING',
      notifyStatus: 'FAILED',
    }),
    consistency: life.addExecution({
      name: 'a/b',
      startTimeMs: at(3),
      taskType: 'CONSISTENCY_TASK',
      notifyStatus: 'SUCCESS',
    }),
    running: life.addExecution({ name: 'stock', startTimeMs: at(2), runStatus: 'RUNNING' }),
  };
  const ids = Object.fromEntries(Object.entries(keys).map(([name, { id }]) => [name, String(id)]));
  return { world, at, ids };
}

describe('dqsync list', () => {
  it('filters by each property, by any value of a repeated one, newest first, and pages through what matches', async () => {
    const { world, ids } = await aMixedWorld();
    const both = ['--run-status', 'ALARMING', '--run-status', 'RUNNING'];
    const cases: readonly (readonly [string[], string[]])[] = [
      [
        ['--name', 'orders'],
        ['alarm', 'orders'],
      ],
      [['--task-type', 'CONSISTENCY_TASK'], ['consistency']],
      [['--run-status', 'RUNNING'], ['running']],
      [['--notify-status', 'FAILED'], ['alarm']],
      [['--name', 'orders', '--run-status', 'ALARMING'], ['alarm']],
      [both, ['running', 'alarm']],
      [
        ['--name', 'stock', '--name', 'orders'],
        ['running', 'alarm', 'orders'],
      ],
      [
        [...both, '--name', 'stock', '--name', 'orders'],
        ['running', 'alarm'],
      ],
      [[...both, '--limit', '1', '--offset', '1'], ['alarm']],
      [['--run-status', 'RUNNING', '--run-status', 'RUNNING', '--notify-status', 'FAILED'], []],
    ];
    const found = await Promise.all(cases.map(async ([args]) => (await listed(world, ...args)).map(({ id }) => id)));
    expect(found).toEqual(cases.map(([, names]) => names.map((name) => ids[name])));
    expect((await world.call(['list', ...both, '--limit', '1'])).stderr).toBe(
      '(1 of 2 rows shown; all with --limit 2)\n',
    );
    const wrong = await world.call(['list', '--run-status', 'ALARM']);
    expect(wrong).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Allowed choices are RUNNING, FAILED'),
    });
  });

  it('fits 80 columns with Chinese names, in the time zone of the config, and shows other columns on request', async () => {
    const world = await aWorld();
    await world.configure((config) => {
      config['partitionTimeZone'] = 'Asia/Shanghai';
    });
    const { life, clock } = world.simulator;
    const startTimeMs = Math.floor(clock.now() / hourMs) * hourMs - 2 * hourMs;
    const fields = { name: '订单数据质量空值检查每日任务汇总', startTimeMs, endTimeMs: startTimeMs + 90_000 };
    const { id } = life.addExecution({ ...fields, runStatus: 'ALARMING' });
    const started = `${new Date(startTimeMs + 8 * hourMs).toISOString().slice(0, 19)}+08:00`;

    const run = await world.cli(['list']);
    const [headings, row] = run.stdout.trimEnd().split('\n');
    expect(headings).toMatch(/^name +run_status +start_time +took +id$/);
    expect(row).toBe(`${fields.name}  ALARMING    ${started}  1 min  ${id}`);
    const chosen = await world.call(['list', '--columns', 'id, end_time,extra']);
    expect(chosen.stdout).toMatch(new RegExp(`^ *id +end_time +extra\n${id} +\\S+\\+08:00 +-\n$`));
    const vertical = await world.call(['list', '--vertical']);
    expect(vertical.stdout).toContain(`\nrun_status  ALARMING\nstart_time  ${started}\n`);
    const wrong = await world.call(['list', '--columns', 'id,start_tme']);
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Did you mean "start_time"?') });
  });

  it('requests the given window, as instants or as days in partitionTimeZone', async () => {
    const { world, at, ids } = await aMixedWorld();
    const iso = (ms: number) => new Date(ms).toISOString();
    const within = await listed(world, '--from', iso(at(4) - 1), '--to', iso(at(3) + 1));
    expect(within.map(({ id }) => id)).toEqual([ids['consistency'], ids['alarm']]);

    await world.configure((config) => {
      config['partitionTimeZone'] = 'Asia/Shanghai';
    });
    const queries: { start: string | null; end: string | null }[] = [];
    world.simulator.traps.beforePage = ({ query }) => {
      queries.push({ start: isoOrNull(query.startTimeMs), end: isoOrNull(query.endTimeMs) });
    };
    await listed(world, '--from', '2026-01-01', '--to', '2026-01-02T00:00:00+08:00');
    expect(queries[0]).toEqual({ start: '2025-12-31T16:00:00.000Z', end: '2026-01-01T16:00:00.000Z' });
  });

  it('pages through more than 100 rows, and starts at an offset', async () => {
    const world = await aWorld();
    addExecutions(world, 350);
    const all = await listed(world, '--limit', '1000');
    expect(new Set(all.map(({ id }) => id)).size).toBe(350);
    const some = await listed(world, '--limit', '230', '--offset', '50');
    expect(some.map(({ id }) => id)).toEqual(all.slice(50, 280).map(({ id }) => id));
    expect(await listed(world)).toHaveLength(20);
  });

  it('shows exact ids, the count of the source, and unreadable rows', async () => {
    const { world, ids } = await aMixedWorld();
    const text = world.simulator.life.addUnreadable('start-text', {
      startTimeMs: world.simulator.clock.now() - hourMs,
    });
    const json = JSON.parse((await world.call(['list', '--json'])).stdout);
    expect(json).toMatchObject({ target: 'sales', count: 5 });
    expect(json.instances.at(-1)).toEqual({
      id: ids['orders'],
      name: 'orders_null_check',
      task_id: expect.stringMatching(/^\d{19}$/),
      task_type: 'QUALITY_TASK',
      run_status: 'SUCCESS',
      notify_status: 'NOT_TRIGGERED',
      start_time: expect.stringMatching(/Z$/),
      end_time: expect.stringMatching(/Z$/),
      extra: null,
    });
    expect(json.unreadable).toEqual([{ reason: expect.stringContaining('start_time'), row: text }]);

    const run = await world.call(['list']);
    expect(run.stdout).toContain(ids['orders']);
    expect(run.stdout).toContain('unreadable row (start_time');
    expect(run.stderr).toBe('(5 rows; the source counts 5)\n');
  });

  it('requires a target if the config has several', async () => {
    const world = await aWorld();
    await world.configure((config) => {
      config.targets = [{ ...config.targets[0] }, { ...config.targets[0], name: 'stock' }];
    });
    const run = await world.call(['list']);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('Choose one with --target: sales, stock.');
    expect((await world.call(['list', '--target', 'stock'])).exitCode).toBe(0);
  });

  it.each([
    [['--from', '9d'], 2, true],
    [[], 2, true],
    [['--from', '4d'], 2, false],
    [['--from', '9d', '--to', '6d'], 1, false],
  ])('lists the latest part of a span that the source refuses as too long: %j', async (args, rows, isPart) => {
    const world = await aWorld({ traps: { maxSpanDays: 5 } });
    const nowMs = world.simulator.clock.now();
    for (const daysAgo of [0.2, 0.5, 7.5]) {
      world.simulator.life.addExecution({ startTimeMs: nowMs - daysAgo * 24 * hourMs });
    }
    const run = await world.call(['list', '--json', ...args]);
    expect(run.exitCode).toBe(0);
    expect(JSON.parse(run.stdout).instances.length).toBe(rows);
    expect(run.stderr).toMatch(isPart ? /^Only what started from \S+ on was listed: .*longer spans\..*--to/ : /^$/);
  });

  it.each([
    ['while it pages', [], ['--limit', '500']],
    ['of the first request', [], ['--offset', '300']],
    ['in a span that is not too long either', ['--from', '4d'], ['--offset', '300']],
  ])('names the offset if the source refuses it %s', async (_, span, args) => {
    const world = await aWorld({ traps: { deepestOffset: 150, maxSpanDays: span.length === 0 ? null : 5 } });
    addExecutions(world, 350);
    const run = await world.call(['list', ...span, ...args]);
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toMatch(/result window is too large, at most 150 \(offset [23]00\).*shorter span with --from/s);
  });

  it('lists the latest part of a span that is too long, from an offset that is accepted', async () => {
    const world = await aWorld({ traps: { deepestOffset: 150, maxSpanDays: 5 } });
    addExecutions(world, 350);
    const run = await world.call(['list', '--json', '--offset', '110', '--limit', '30']);
    expect(run).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('refuses longer spans') });
    expect(JSON.parse(run.stdout).instances).toHaveLength(30);
  });

  it('refuses a window that cannot be requested', async () => {
    const world = await aWorld();
    const refused = async (args: readonly string[], message: string) => {
      const run = await world.call(['list', ...args]);
      expect(run.exitCode).toBe(2);
      expect(run.stderr).toContain(message);
    };
    await Promise.all([
      refused(['--from', 'some day'], 'Give a day or a local time in UTC, for example 2026-01-31'),
      refused(['--from', '2026-02-30'], 'is not a time'),
      refused(['--to', '1999-01-01'], 'is out of range'),
      refused(['--from', '2026-02-02', '--to', '2026-02-01'], 'is later than --to'),
    ]);
  });
});

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
