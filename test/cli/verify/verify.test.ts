/** Runs `dqsync verify` with real files and a simulated source. */
import { cp, readdir, rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Traps } from '../../simulator/traps.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { duckdb } from '../../support/referee.ts';
import { addExecutions, aWorld, hourMs, stopped, type World } from '../world.ts';

const dayMs = 24 * hourMs;

/** What a synced world has. */
interface WorldOptions {
  /** Default: 505. */
  readonly rows?: number;
  readonly traps?: Partial<Traps>;
  /** Changes of the config. */
  readonly config?: (world: World) => Record<string, unknown>;
  /** Adds executions before the sync. */
  readonly add?: (world: World) => void;
  readonly env?: Record<string, string>;
}

/** Makes a world with synced, settled executions of the last five days. */
async function aSyncedWorld({ rows = 505, traps = {}, config, add, env = {} }: WorldOptions = {}): Promise<World> {
  const world = await aWorld({ traps });
  await world.configure((document) => {
    Object.assign(document, { initialFrom: new Date(startOf(world)).toISOString(), results: 'none' }, config?.(world));
  });
  addOver(world, rows);
  add?.(world);
  expect((await world.call(['sync'], { env })).exitCode).toBe(0);
  return world;
}

function addOver(world: World, rows: number): void {
  const fromMs = startOf(world) + 60_000;
  world.simulator.life.addMany(rows, { fromMs, toMs: fromMs + 5 * dayMs });
}

/** Returns the midnight six days before the first call. All five days after it are settled. */
function startOf(world: World): number {
  const startMs = starts.get(world) ?? Math.floor(world.simulator.clock.now() / dayMs) * dayMs - 6 * dayMs;
  starts.set(world, startMs);
  return startMs;
}

const starts = new WeakMap<World, number>();
const dayText = (world: World, index: number) => new Date(startOf(world) + index * dayMs).toISOString().slice(0, 10);
const fiveDays = (world: World) => ['verify', '--from', dayText(world, 0), '--to', dayText(world, 5)];

async function deleteDay(world: World, day: string): Promise<void> {
  await rm(await folderOf(world, day), { recursive: true });
}

/** Returns the folder of a day's data files. */
async function folderOf(world: World, day: string): Promise<string> {
  const table = join(world.folder, 'warehouse', 'quality_instance_observations');
  const [workspace] = await readdir(table);
  return join(table, workspace!, `dt=${day}`);
}

/** Returns the limits of the requests for instances. */
function listenForLimits(world: World): number[] {
  const limits: number[] = [];
  world.simulator.traps.beforePage = ({ query }) => {
    limits.push(query.limit);
  };
  return limits;
}

describe('dqsync verify', () => {
  it('exits with 0 if the table is complete, after a request per day and one for all, even without last runs', async () => {
    const world = await aSyncedWorld();
    const limits = listenForLimits(world);
    const run = await world.cli(fiveDays(world));
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(
      /^sales {2}\S+Z to \S+Z, days in UTC\nday +source +table +missing +different +gone +SUCCESS/,
    );
    expect(run.stdout).toMatch(new RegExp(`${dayText(world, 0)} +101 +101 +0 +0 +0 +\\d+ +\\d+ +\\d+ +0\n`));
    expect(run.stdout).toContain('✓ sales  the table holds everything that the source has for 5 days\n');
    expect(limits).toEqual([100, 100, 100, 100, 100, 100]);

    world.simulator.traps.faults = [{ kind: 'status', status: 403, when: { from: 1 }, on: 'tasks' }];
    const { exitCode, stdout, stderr } = await world.call([...fiveDays(world), '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)[0]).toMatchObject({ fine: true });
    expect(
      stderr.match(/last runs of tasks were not compared, because the task list could not be read: .*403/g),
    ).toHaveLength(1);
  });

  it.each([
    ['the last complete days that the audit compares', { audit: { days: 3 } }, 3, 6],
    ['the complete days since the first sync', {}, 0, 6],
  ])('compares %s if no range is given', async (_, config, from, to) => {
    const world = await aSyncedWorld({ config: () => config });
    const { stdout } = await world.call(['verify', '--json']);
    const day = (index: number): string => `${dayText(world, index)}T00:00:00.000Z`;
    expect(JSON.parse(stdout)).toMatchObject([{ fine: true, from: day(from), to: day(to) }]);
  });

  it('compares today if the first sync began today and no range is given', async () => {
    const world = await aSyncedWorld({ rows: 0 });
    const nowMs = world.simulator.clock.now();
    const initialFrom = new Date(nowMs - 120_000).toISOString();
    await world.configure((document) => Object.assign(document, { initialFrom }));
    const { stdout } = await world.call(['verify', '--json']);
    const [{ from, to }] = JSON.parse(stdout);
    expect(from <= initialFrom && from < to).toBe(true);
  });

  it('reports a day whose data files were deleted, and repairs only that day with --repair', async () => {
    const world = await aSyncedWorld();
    const lost = dayText(world, 2);
    await deleteDay(world, lost);
    const run = await world.call(fiveDays(world));
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toMatch(new RegExp(`${lost} +101 +0 +101 +0 +0 +0 +0 +0 +0\n`));
    expect(run.stdout).toContain(`✗ ${lost}  101 executions missing\n`);
    expect(run.stdout).toContain('✗ sales  1 of 5 days does not match.');
    expect(run.stdout).toContain(`${fiveDays(world).join(' ')} --repair\n`);

    const repaired = await world.call([...fiveDays(world), '--repair', '--json']);
    expect(repaired.exitCode).toBe(0);
    const [target] = JSON.parse(repaired.stdout);
    expect(target).toMatchObject({ fine: true, repairs: [{ from: `${lost}T00:00:00.000Z`, rowsWritten: 101 }] });
    expect(target.beforeRepair).toMatchObject([{ day: lost, source: 101, table: 0, missing: 101 }]);
    expect(target.days[2]).toMatchObject({ source: 101, table: 101, missing: 0 });
    expect((await world.call(fiveDays(world))).exitCode).toBe(0);
  });

  it('prints first what --repair found on each day, then what it read again, then that all days are complete', async () => {
    const world = await aSyncedWorld();
    await deleteDay(world, dayText(world, 1));
    await deleteDay(world, dayText(world, 3));
    const [, ...lines] = (await world.call([...fiveDays(world), '--repair'])).stdout.split('\n');
    expect(lines.slice(0, 4)).toEqual([
      `found: ${dayText(world, 1)}  101 executions missing`,
      `found: ${dayText(world, 3)}  101 executions missing`,
      expect.stringMatching(/^read again: \S+ to \S+, 101 rows written$/),
      expect.stringMatching(/^read again: \S+ to \S+, 101 rows written$/),
    ]);
    expect(lines.at(-2)).toBe('✓ sales  the table now holds everything that the source has for 5 days');
  });

  it('reads the day of a damaged file again after the file was moved away, with the command of the message', async () => {
    const world = await aSyncedWorld();
    const folder = await folderOf(world, dayText(world, 2));
    const [name = ''] = await readdir(folder);
    await truncate(join(folder, name), 100);
    const counting = ['query', '--csv', 'SELECT count(name) FROM quality_instances'];
    const failed = await world.call(counting);
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain(join(folder, name));
    expect((await world.call(fiveDays(world))).stdout).toContain('The file is damaged');
    await rename(join(folder, name), join(world.folder, name));
    const [, command = ''] = /: dqsync (verify .*)$/.exec(failed.stderr.trimEnd()) ?? [];
    expect((await world.call(command.split(' '))).exitCode).toBe(0);
    expect((await world.call(counting)).stdout).toContain('\n505\n');
  });

  it('counts an unreadable row, prints the reason, exits with 1, and does not read the day again', async () => {
    const world = await aSyncedWorld({
      rows: 245,
      add: (own) => own.simulator.life.addUnreadable('id-text', { startTimeMs: startOf(own) + hourMs }),
    });
    const run = await world.call(fiveDays(world));
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toMatch(new RegExp(`${dayText(world, 0)} +50 +49 +0 .* 0\n`));
    const headings = run.stdout.split('\n').find((line) => line.startsWith('day '));
    // Between columns, one space of two is enough on a narrow terminal.
    expect(headings?.replaceAll(/ {2}/g, ' ').length).toBeLessThanOrEqual(80);
    expect(run.stdout).toMatch(
      new RegExp(
        `✗ ${dayText(world, 0)}  source 50, 1 unreadable \\(id is not .*\\): not in the table; dqsync quarantine `,
      ),
    );
    expect(run.stdout).toContain('Reading them again does not help');
    const repaired = await world.call([...fiveDays(world), '--repair', '--json']);
    expect(repaired.exitCode).toBe(1);
    const [target] = JSON.parse(repaired.stdout);
    expect(target).toMatchObject({ fine: false, repairs: [] });
    expect(target.days[0]).toMatchObject({ source: 50, unreadable: 1, table: 49, missing: 0, fine: false });
  });

  it('reports re-run and deleted executions as gone, which is not an error', async () => {
    const world = await aSyncedWorld();
    const [first, second] = world.simulator.truth().executions;
    world.simulator.life.rerun(first!.id);
    world.simulator.life.remove(second!.id);
    const run = await world.call([...fiveDays(world), '--json']);
    expect(run.exitCode).toBe(0);
    const [target] = JSON.parse(run.stdout);
    expect(target.days[0]).toMatchObject({ source: 99, table: 101, missing: 0, different: 0, gone: 2, fine: true });
  });

  it('finds a missing execution whose day has as many gone ones only with --deep, unless it is the last run of its task', async () => {
    const world = await aSyncedWorld();
    const { life, clock } = world.simulator;
    const task = life.addTask();
    life.addExecution({ task, startTimeMs: clock.now() - hourMs });
    await world.call(['rewind', '--to', new Date(clock.now() - 2 * hourMs).toISOString(), '--yes']);
    expect((await world.call(['sync'])).exitCode).toBe(0);
    life.remove(world.simulator.truth().executions[0]!.id);
    life.addLate(clock.now() - startOf(world) - hourMs, { task });
    expect((await world.call(fiveDays(world))).exitCode).toBe(0);
    const deep = await world.call([...fiveDays(world), '--deep', '--json']);
    expect(deep.exitCode).toBe(1);
    expect(JSON.parse(deep.stdout)[0].days[0]).toMatchObject({ missing: 1, gone: 1, comparedBy: 'rows', fine: false });
    expect((await world.call([...fiveDays(world), '--deep', '--repair'])).exitCode).toBe(0);
  });

  it('finds an execution in another state, and repairs it', async () => {
    const world = await aSyncedWorld();
    world.simulator.life.finish(world.simulator.truth().executions[150]!.id, 'FAILED');
    const run = await world.call([...fiveDays(world), '--deep']);
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain(`✗ ${dayText(world, 1)}  1 execution whose state differs from the source\n`);
    expect((await world.call([...fiveDays(world), '--deep', '--repair'])).exitCode).toBe(0);
    expect((await world.call([...fiveDays(world), '--deep'])).exitCode).toBe(0);
  });

  it.each([
    ['a byte order mark', '\ufefforders'],
    ['only a byte order mark', '\ufeff'],
    ['two byte order marks', '\ufeff\ufefforders'],
    ['a byte order mark before a name of more than 12 bytes', '\ufefforders/null_check'],
    ['a control character', '\0orders'],
    ['half of a surrogate pair', '\ud83dorders'],
    ['nothing', ''],
  ])('finds no difference in a name that begins with %s', async (_, name) => {
    const world = await aSyncedWorld({
      rows: 5,
      add: (own) => own.simulator.life.addExecution({ startTimeMs: startOf(own) + hourMs, name }),
    });
    const run = await world.call([...fiveDays(world), '--deep', '--json']);
    expect(JSON.parse(run.stdout)[0].days[0]).toMatchObject({ source: 2, table: 2, different: 0, fine: true });
  });

  it('reports executions that the view shows on two days with --deep, which --repair cannot fix', async () => {
    const world = await aSyncedWorld();
    const [last, after] = [dayText(world, 4), dayText(world, 5)];
    await cp(await folderOf(world, last), await folderOf(world, after), { recursive: true });
    const startTimes = world.simulator.truth().executions.map(({ startTimeMs }) => startTimeMs);
    const doubled = startTimes.filter((ms) => ms >= startOf(world) + 4 * dayMs && ms < startOf(world) + 5 * dayMs);
    expect((await world.call(fiveDays(world))).exitCode).toBe(0);

    const run = await world.call([...fiveDays(world), '--deep']);
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toMatch(
      new RegExp(
        `✗ ${doubled.length} executions are in the view more than once: \\d{19} of ${last}T\\S+ \\(dt ${last}, ${after}\\), `,
      ),
    );
    expect(run.stdout).toContain(`and ${doubled.length - 3} more`);
    expect(run.stdout).toMatch(/set another "warehouse", or move/);
    expect(run.stdout).toMatch(
      /✗ sales {2}the table holds everything .* for 5 days, but \d+ executions more than once\n$/,
    );

    const { exitCode, stdout } = await world.call([...fiveDays(world), '--deep', '--repair', '--json']);
    expect(exitCode).toBe(1);
    const [target] = JSON.parse(stdout);
    expect(target).toMatchObject({ fine: false, repairs: [], duplicates: { executions: doubled.length } });
    expect(target.duplicates.first).toHaveLength(10);
    expect(target.duplicates.first[0]).toEqual({
      id: expect.stringMatching(/^\d{19}$/),
      startTime: new Date(Math.min(...doubled)).toISOString(),
      days: [last, after],
    });
  });

  it('reports an execution that the view shows twice on one day with --deep', async () => {
    const world = await aSyncedWorld({ rows: 5 });
    const day = dayText(world, 0);
    const folder = await folderOf(world, day);
    const [name] = await readdir(folder);
    const rows = `FROM read_parquet('${join(folder, name!)}', hive_partitioning = false)`;
    // By its name, both rows are the latest of their execution.
    const compacted = join(folder, `compact-2-${'0'.repeat(32)}-2.parquet`);
    await duckdb(`COPY (${rows} UNION ALL ${rows}) TO '${compacted}'`);
    await rm(join(folder, name!));
    const run = await world.call([...fiveDays(world), '--deep']);
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toMatch(new RegExp(`✗ 1 execution is in the view more than once: .* \\(dt ${day}\\)\n`));
  });

  it('ignores open executions, and young ones that the next sync reads', async () => {
    const world = await aSyncedWorld();
    const { life, clock } = world.simulator;
    const open = life.addExecution({ startTimeMs: clock.now() - 5 * hourMs, runStatus: 'RUNNING' });
    await world.call(['rewind', '--to', new Date(clock.now() - 6 * hourMs).toISOString(), '--yes']);
    await world.call(['sync']);
    life.finish(open.id);
    life.addExecution({ startTimeMs: clock.now() - 2 * 60_000 });
    const to = new Date(clock.now()).toISOString();
    const run = await world.call(['verify', '--from', dayText(world, 4), '--to', to, '--deep', '--json']);
    expect(run.exitCode).toBe(0);
    const days: { missing: number; different: number; unsettled: number }[] = JSON.parse(run.stdout)[0].days;
    const sum = (name: 'missing' | 'different' | 'unsettled') => days.reduce((total, day) => total + day[name], 0);
    expect([sum('missing'), sum('different'), sum('unsettled')]).toEqual([0, 0, 2]);
  });

  it.each([
    ['inclusive', 1000, 'count'],
    ['exclusive', 1, 'rows'],
  ] as const)(
    'assigns rows at midnight to the right day, with %s edges, also %i ms before it, compared by %s',
    async (edge, beforeMs, comparedBy) => {
      const world = await aSyncedWorld({
        rows: 455,
        traps: { startEdge: edge, endEdge: edge },
        add: (own) => {
          for (let day = 0; day <= 5; day += 1) {
            own.simulator.life.addExecution({ startTimeMs: startOf(own) + day * dayMs });
            own.simulator.life.addExecution({ startTimeMs: startOf(own) + day * dayMs - beforeMs });
          }
        },
      });
      const limits = listenForLimits(world);
      const run = await world.call([...fiveDays(world), '--json']);
      expect(run.exitCode).toBe(0);
      const [{ days }] = JSON.parse(run.stdout);
      expect(days.map(({ source }: { source: number }) => source)).toEqual(Array(5).fill(93));
      expect(days.map((day: { comparedBy: string }) => day.comparedBy)).toEqual(Array(5).fill(comparedBy));
      // One request for all days, one per day, and as many again for the rows, which fit into a page.
      expect(limits).toHaveLength(comparedBy === 'count' ? 6 : 11);
    },
  );

  it('counts in days of partitionTimeZone', async () => {
    const world = await aSyncedWorld({
      config: (own) => ({
        initialFrom: new Date(startOf(own) - dayMs).toISOString(),
        partitionTimeZone: 'Asia/Shanghai',
      }),
    });
    const run = await world.call([...fiveDays(world), '--json']);
    expect(run.exitCode).toBe(0);
    const [target] = JSON.parse(run.stdout);
    expect(target.from).toBe(new Date(startOf(world) - 8 * hourMs).toISOString());
    expect(target.days.map(({ day }: { day: string }) => day)).toEqual([0, 1, 2, 3, 4].map((n) => dayText(world, n)));
    // The first eight hours of the first day have no executions, a third of 101.
    expect(target.days[0].source).toBe(68);
    expect(target.days[1].source).toBe(101);
    await deleteDay(world, dayText(world, 1));
    const lost = await world.call([...fiveDays(world), '--repair', '--json']);
    expect(lost.exitCode).toBe(0);
    expect(JSON.parse(lost.stdout)[0].repairs).toMatchObject([{ rowsWritten: 101 }]);
  });

  it('reports windows that are not covered, and covers them with --repair', async () => {
    const world = await aWorld();
    addOver(world, 505);
    await world.call(['sync']);
    const range = ['verify', '--from', dayText(world, 0), '--to', dayText(world, 6)];
    const run = await world.call(range);
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toMatch(
      new RegExp(
        `✗ ${dayText(world, 0)} to ${dayText(world, 4)}  \\d+ executions missing; not covered yet from \\S+ to \\S+: dqsync backfill fills it\n`,
      ),
    );
    expect((await world.call([...range, '--repair'])).exitCode).toBe(0);
    const [status] = JSON.parse((await world.call(['status', '--json'])).stdout);
    expect(status.coverage.gaps).toEqual([]);
  });

  it('verifies only the given range, and summarizes many days', async () => {
    const world = await aSyncedWorld();
    const from = new Date(startOf(world) + 6 * hourMs).toISOString();
    const to = new Date(startOf(world) + 36 * hourMs).toISOString();
    const [target] = JSON.parse((await world.call(['verify', '--from', from, '--to', to, '--json'])).stdout);
    expect(target).toMatchObject({ target: 'sales', from, to, fine: true, requests: 3, repairs: [] });
    expect(target.days).toMatchObject([
      {
        day: dayText(world, 0),
        from,
        source: 75,
        table: 75,
        comparedBy: 'count',
        byStatus: { SUCCESS: expect.any(Number) },
      },
      { day: dayText(world, 1), to, gaps: [], unproven: null, unreadable: 0, fine: true },
    ]);
    await world.configure((config) => {
      config['initialFrom'] = new Date(startOf(world) - 20 * dayMs).toISOString();
    });
    await world.call(['backfill']);
    await deleteDay(world, dayText(world, 3));
    const long = await world.call(['verify', '--from', dayText(world, -20), '--to', dayText(world, 5)]);
    expect(long.exitCode).toBe(1);
    expect(long.stdout).toContain('24 of 25 days match: 505 executions at the source, 404 in the table\n');
    expect(long.stdout).not.toContain(`\n${dayText(world, 2)} `);
    expect(long.stdout).toContain(`\n${dayText(world, 3)} `);
  });

  it('shows consecutive days in one line if nothing of them is covered', async () => {
    const world = await aSyncedWorld();
    await world.configure((config) => {
      Object.assign(config.targets[0]!, { name: 'fresh' });
    });
    const run = await world.call(fiveDays(world));
    expect(run.exitCode).toBe(1);
    const span = `${dayText(world, 0)}T00:00:00Z to ${dayText(world, 5)}T00:00:00Z`;
    expect(run.stdout.match(/^✗ \S+ .*/gm)).toEqual([
      `✗ ${dayText(world, 0)} to ${dayText(world, 4)}  not covered yet from ${span}: dqsync sync, or dqsync backfill, fills it`,
      expect.stringMatching(/^✗ fresh {2}5 of 5 days do not match\./),
    ]);
  });

  it('does not count rows of the workspace that another target has written', async () => {
    const world = await aWorld();
    addExecutions(world, 300);
    world.simulator.life.addExecution({ startTimeMs: world.simulator.clock.now() - 3 * hourMs, name: "one's own" });
    const start = new Date(world.simulator.clock.now() - 23 * hourMs).toISOString();
    await world.configure((config) => {
      config.targets.push({ ...config.targets[0], name: 'own', filter: { name: "one's" } });
    });
    await world.call(['sync']);
    const to = new Date(world.simulator.clock.now()).toISOString();
    const run = await world.call(['verify', '--from', start, '--to', to, '--json']);
    expect(run.exitCode).toBe(0);
    const [all, own] = JSON.parse(run.stdout);
    const sum = ({ days }: { days: { table: number; gone: number }[] }) => [
      days.reduce((total, day) => total + day.table, 0),
      days.reduce((total, day) => total + day.gone, 0),
    ];
    expect(sum(all)).toEqual([301, 0]);
    expect(sum(own)).toEqual([1, 0]);
  });

  it('reports a day that cannot be read completely, and continues', async () => {
    const world = await aSyncedWorld();
    const midday = startOf(world) + dayMs + 12 * hourMs;
    world.simulator.life.addMany(300, { fromMs: midday, toMs: midday + 1, perMillisecond: 300 });
    world.simulator.traps.deepestOffset = 150;
    const run = await world.call([...fiveDays(world), '--json']);
    expect(run.exitCode).toBe(1);
    const [target] = JSON.parse(run.stdout);
    expect(target.days[1].unproven).toMatch(/cannot be proven complete/);
    expect(target.days.filter(({ fine }: { fine: boolean }) => fine)).toHaveLength(4);
  });

  it('fails if the source is unreachable, and continues with the other targets', async () => {
    const world = await aSyncedWorld();
    await world.configure((config) => {
      config['initialFrom'] = new Date(startOf(world)).toISOString();
      config.targets.unshift({ ...config.targets[0], name: 'broken', workspace: 'no-such-workspace' });
    });
    const run = await world.call([...fiveDays(world), '--json']);
    expect(run.exitCode).toBe(1);
    expect(JSON.parse(run.stdout)).toMatchObject([
      { target: 'broken', fine: false, error: { kind: 'source' } },
      { target: 'sales', fine: true },
    ]);
  });

  it('stops at Ctrl-C, reports the results so far, and changes nothing', async () => {
    const world = await aSyncedWorld();
    // The first request covers all days.
    const run = await stopped(world, [...fiveDays(world), '--json'], { atPage: 4 });
    expect(run.exitCode).toBe(130);
    const [target] = JSON.parse(run.stdout);
    expect(target).toMatchObject({ fine: false, repairs: [], error: { kind: 'stopped' } });
    expect(target.days).toHaveLength(2);
  });

  it.each([
    [['--from', '2026-01-01'], '--from and --to belong together'],
    [['--to', '2026-01-01'], '--from and --to belong together'],
    [['--from', '2026-01-02', '--to', '2026-01-01'], 'is not before --to'],
    [['--from', '2199-01-01', '--to', '2199-01-02'], 'is in the future'],
  ])('refuses %j', async (args, message) => {
    const world = await aWorld();
    const run = await world.call(['verify', ...args]);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(message);
  });

  it('gets from S3 only the files of the days that it verifies', async () => {
    const s3 = await FakeS3.start();
    const env = s3.environment;
    const world = await aSyncedWorld({ config: () => ({ warehouse: `s3://${s3.bucket}` }), env });
    const from = startOf(world) + 24 * hourMs;
    s3.requests.length = 0;

    const run = await world.call(
      ['verify', '--from', new Date(from).toISOString(), '--to', new Date(from + 24 * hourMs).toISOString()],
      { env },
    );

    expect(run.exitCode).toBe(0);
    const daysGot = s3.requests.flatMap((request) => /^GET .*\/dt=([^/]+)\//.exec(request)?.[1] ?? []);
    const isoDay = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    expect(new Set(daysGot)).toEqual(new Set([isoDay(from), isoDay(from + 24 * hourMs - 1)]));
  });

  it('reports nothing as missing if it cannot read the whole table', async () => {
    const s3 = await FakeS3.start();
    s3.pageSize = 1;
    const env = s3.environment;
    const world = await aSyncedWorld({ config: () => ({ warehouse: `s3://${s3.bucket}` }), env });
    const when = (url: URL) => url.searchParams.has('continuation-token');
    s3.faults.push(
      ...Array.from({ length: 30 }, () => ({ method: 'LIST', when, failure: { status: 503, body: '' } }) as const),
    );

    const run = await world.call(fiveDays(world), { env });

    expect(run).toMatchObject({ exitCode: 1, stderr: '' });
    expect(run.stdout).toContain('503');
    expect(run.stdout).not.toContain('missing');
    s3.faults.length = 0;
    expect((await world.call(fiveDays(world), { env })).exitCode).toBe(0);
  });
});
