/** `dqsync status` from the outside. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeAnyCheckpoint, encodeCheckpoint } from '../../../functions/checkpoint/codec.ts';
import { noResults, pendingResultsKind } from '../../../functions/checkpoint/results-document.ts';
import { addExecutions, aWorld, hourMs } from '../world.ts';

describe('dqsync status', () => {
  it('shows where the first run will begin', async () => {
    const world = await aWorld();
    const run = await world.call(['status']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(
      /^sales\n {2}complete {3}nothing yet\n {2}open {7}none\n {2}last run {3}none yet\n {2}next run {3}reads \S+Z to \S+Z\n {2}source {5}the source's clock agrees with this machine's, no rows dated in the future\n {2}warehouse {2}file:\/\S+\n {2}health {5}no sync has covered anything yet: run dqsync sync\n$/,
    );
  });

  it('shows watermark, open executions, the last run and the next run after a run, also as JSON', async () => {
    const world = await aWorld();
    addExecutions(world, 100);
    world.simulator.life.addExecution({ runStatus: 'RUNNING', startTimeMs: world.simulator.clock.now() - 5 * hourMs });
    await world.call(['sync']);
    const run = await world.cli(['status']);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/complete {3}\S+ to \S+ \(1 minute ago\), 101 executions, no gaps/);
    expect(run.stdout).toMatch(/open {7}1 execution, started \S+ \(5 hours ago\)/);
    expect(run.stdout).toMatch(/last run {3}done at \S+ \(\d+ seconds? ago\), 101 rows written/);
    expect(run.stdout).toMatch(/next run {3}reads \S+ to \S+, and re-checks 1 earlier open execution/);
    const json = await world.call(['status', '--json']);
    expect(JSON.parse(json.stdout)).toEqual([
      {
        target: 'sales',
        watermark: expect.stringMatching(/Z$/),
        watermarkAgeSeconds: expect.any(Number),
        coverage: { from: expect.stringMatching(/Z$/), to: expect.stringMatching(/Z$/), rows: 101, gaps: [] },
        openExecutions: 1,
        oldestOpenStart: expect.stringMatching(/Z$/),
        oldestOpenAgeSeconds: expect.any(Number),
        expiredExecutions: 0,
        oldestExpiredStart: null,
        latestExpiredStart: null,
        quarantined: 0,
        results: {
          waiting: 0,
          oldestStart: null,
          expired: 0,
          oldestExpiredStart: null,
          latestExpiredStart: null,
          refused: null,
        },
        lastRun: expect.objectContaining({ mode: 'incremental', outcome: 'done', rowsWritten: 101, error: null }),
        nextRun: { from: expect.stringMatching(/Z$/), to: expect.stringMatching(/Z$/), looksAgainAt: 1 },
        healthy: true,
        problem: null,
        source: { clockSkewMs: expect.any(Number), futureRows: 0, mayBeMore: false, latestStart: null },
      },
    ]);
  });

  it('names the executions that wait for their rule results, and why these were refused', async () => {
    const world = await aWorld();
    world.simulator.life.addExecution({ runStatus: 'ALARMING', startTimeMs: world.simulator.clock.now() - hourMs });
    world.simulator.traps.faults = [{ kind: 'status', status: 403, when: { first: 1 }, on: 'results' }];
    const synced = await world.call(['sync']);
    expect(synced.exitCode).toBe(0);
    expect(synced.stderr).toMatch(/rule results were not fetched: .*role admin or developer/s);
    const run = await world.call(['status']);
    expect(run.stdout).toMatch(
      /results {4}1 execution without rule results yet, the oldest started \S+Z; later syncs fetch them; to fetch all now: dqsync sync --results --target sales; refused at .*403/,
    );
    await world.call(['sync']);
    expect((await world.call(['status'])).stdout).not.toMatch(/results/);
  });

  it('names the executions whose rule results expired, and the command that requests them again', async () => {
    const world = await aWorld();
    await world.call(['sync']);
    const expired = [1_661_413_281_000, 1_661_413_277_000].map((startTimeMs) => ({ id: 1n, startTimeMs }));
    const text = pendingResultsKind('sales').encode({ ...noResults, expired });
    await writeFile(join(world.folder, 'warehouse', 'state', 'sales', 'results.json'), text);
    expect((await world.call(['status'])).stdout).toMatch(
      /results {4}2 executions without rule results, started 2022-08-25T07:41:17Z to 2022-08-25T07:41:21Z: every .* --again --results --from 2022-08-25 --to 2022-08-26 --target sales\n/,
    );
  });

  it('shows coverage as a timeline, its gaps, and what fills them', async () => {
    const world = await aWorld();
    addExecutions(world, 100);
    await world.call(['sync']);
    expect((await world.call(['status'])).stdout).toMatch(
      /\n {2}coverage {3}\S+T\d\d:\d\d █{24} \S+T\d\d:\d\d\n {2}open/,
    );
    await world.configure((config) => {
      config['initialFrom'] = new Date(world.simulator.clock.now() - 72 * hourMs).toISOString();
    });
    const run = await world.call(['status']);
    expect(run.stdout).toMatch(/except for 1 gap\n {2}coverage {3}\d{4}-\d\d-\d\d ░+▒?█+ \d{4}-\d\d-\d\d\n/);
    expect(run.stdout).toMatch(
      /\n {2}gaps {7}\S+Z to \S+Z \(\d days?\)\n {13}later syncs fill them; to fill all now: dqsync backfill\n {2}open/,
    );
  });

  it('shows a skewed clock and rows dated in the future', async () => {
    const world = await aWorld({ traps: { dateSkewMs: 2_000 - 3 * hourMs } });
    world.simulator.life.addFutureDated(48 * hourMs);
    await world.configure((config) => {
      config['partitionTimeZone'] = 'Asia/Shanghai';
    });
    const run = await world.call(['status']);
    expect(run.stdout).toMatch(
      /the source's clock is 3 hours behind this machine's, 1 row dated in the future, the latest \S+\+08:00/,
    );
  });

  it.each([
    ['ahead of', 3 * hourMs],
    ['behind', -3 * hourMs],
  ])(
    "is not healthy if the source's clock is hours %s this machine's, and sync warns about it",
    async (direction, dateSkewMs) => {
      const world = await aWorld({ traps: { dateSkewMs } });
      const synced = await world.call(['sync']);
      expect(synced.exitCode).toBe(0);
      expect(synced.stderr).toMatch(
        new RegExp(
          `^\\[warn\\] target sales: the source's clock is 3 hours ${direction} this machine's: .* run: dqsync doctor$`,
          'm',
        ),
      );
      expect(synced.stderr.match(/3 hours/g)).toHaveLength(1);
      expect(await world.call(['status', '--check', '--max-age', '6h'])).toMatchObject({
        exitCode: 1,
        stdout: expect.stringMatching(
          new RegExp(
            `^✗ sales {2}the source's clock is 3 hours ${direction} this machine's: one of them is wrong; run dqsync doctor\n$`,
          ),
        ),
      });
    },
  );

  it('continues without an unreachable source, reports the reason, and stays healthy', async () => {
    const world = await aWorld();
    await world.call(['sync']);
    await world.simulator.close();
    const run = await world.call(['status']);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain('last run   done');
    expect(run.stdout).toMatch(/source {5}not available: .*ECONNREFUSED/);
    expect(await world.call(['status', '--check'])).toMatchObject({ exitCode: 0, stdout: '✓ sales  healthy\n' });
  });

  it('shows why a source did not answer in time, for example that it throttles', async () => {
    const world = await aWorld();
    world.simulator.traps.faults = [{ kind: 'status', status: 429, when: { from: 1 } }];
    const run = await world.call(['status']);
    expect(run.stdout).toMatch(/source {5}not available: .*HTTP 429.*quota/);
  });

  it('shows a killed run and a failed run', async () => {
    const world = await aWorld();
    await world.call(['sync']);
    const path = join(world.folder, 'warehouse', 'state', 'sales', 'checkpoint.json');
    const checkpoint = decodeAnyCheckpoint(await readFile(path), 'sales', path);
    const lastRun = checkpoint.lastRun!;
    await writeFile(path, encodeCheckpoint({ ...checkpoint, lastRun: { ...lastRun, outcome: 'running' } }));
    expect((await world.call(['status'])).stdout).toContain('last run   running, or killed since: started ');

    const failed = { ...lastRun, outcome: 'failed' as const, error: 'the source refused' };
    await writeFile(path, encodeCheckpoint({ ...checkpoint, lastRun: failed }));
    const { stdout } = await world.call(['status']);
    expect(stdout).toMatch(/last run {3}failed at .*: the source refused\n/);
    expect(stdout.match(/the source refused/g)).toHaveLength(1);
  });

  it('counts quarantined rows and expired executions, and shows where they are; so does doctor', async () => {
    const world = await aWorld();
    await world.configure((config) => {
      config['initialFrom'] = new Date(world.simulator.clock.now() - 12 * 24 * hourMs).toISOString();
    });
    const { life, clock } = world.simulator;
    addExecutions(world, 20);
    life.addUnreadable('id-text', { startTimeMs: clock.now() - hourMs });
    life.addUnreadable('id-null', { startTimeMs: clock.now() - 2 * hourMs });
    life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs: clock.now() - 10 * 24 * hourMs });
    await world.call(['sync']);
    const run = await world.call(['status']);
    expect(run.stdout).toMatch(
      /expired {4}1 execution, open for longer than maxOpenDays, started \S+; .*--again --from \d{4}-\d\d-\d\d --to \d{4}-\d\d-\d\d --target/,
    );
    expect(run.stdout).toMatch(
      /set aside {2}2 rows that could not be read, in quarantine\/sales\/ .*dqsync quarantine/,
    );
    const [json] = JSON.parse((await world.call(['status', '--json'])).stdout);
    expect(json).toMatchObject({ quarantined: 2, expiredExecutions: 1, openExecutions: 0, healthy: true });
    const doctor = await world.call(['doctor', '--json']);
    expect(JSON.parse(doctor.stdout).checks).toContainEqual(
      expect.objectContaining({
        name: 'set aside',
        outcome: 'noticed',
        finding: '2 rows in quarantine, 1 expired execution',
      }),
    );
  });

  it('shows one line per target if there are several, and the details with --target or -v', async () => {
    const world = await aWorld();
    await world.configure((config) => {
      const [target] = config.targets;
      config.targets = ['sales', 'stock', 'lager'].map((name) => ({ ...target, name }));
    });
    addExecutions(world, 30);
    await world.call(['sync', '--target', 'sales', '--target', 'stock']);
    const run = await world.call(['status']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    const lines = run.stdout.split('\n');
    expect(lines[0]).toMatch(/^target +behind +rows +open +gaps +aside +last run +health$/);
    expect(lines.slice(1, 4)).toEqual([
      expect.stringMatching(/^sales +1 min +30 +0 +0 +0 +done +ok$/),
      expect.stringMatching(/^stock +1 min +30 +0 +0 +0 +done +ok$/),
      expect.stringMatching(/^lager +- +0 +0 +0 +0 +- +never run$/),
    ]);
    expect(run.stdout).toContain('✗ lager  no sync has covered anything yet: run dqsync sync\n');
    expect((await world.call(['status', '--target', 'stock'])).stdout).toMatch(/^stock\n {2}complete /);
    expect((await world.call(['status', '-v'])).stdout).toMatch(/^sales\n {2}complete [\s\S]*\n\nlager\n {2}complete /);
  });

  it('shows a removed checkpoint, or state, of a target that was synced as missing, and how to restore it or start again', async () => {
    const world = await aWorld();
    addExecutions(world, 30);
    await world.call(['sync']);
    await rm(join(world.folder, 'warehouse', 'state', 'sales', 'checkpoint.json'));
    const run = await world.call(['status']);
    expect(run.stdout).toMatch(/^sales\n {2}complete {3}unknown\n {2}open/);
    expect(run.stdout).not.toContain('none yet');
    expect(run.stdout).toMatch(
      /\n {2}health {5}the checkpoint is missing, although a sync finished at \S+Z\. If .*, restore state\/sales\/checkpoint\.json .*: dqsync sync\n$/,
    );
    expect((await world.call(['status', '--check'])).exitCode).toBe(1);
    await rm(join(world.folder, 'warehouse', 'state'), { recursive: true });
    const all =
      'all of state/ is missing, although the table has days of this workspace. If it was removed by mistake, ';
    expect((await world.call(['status'])).stdout).toContain(`\n  health     ${all}restore state/ from a backup`);
    expect((await world.call(['doctor'])).stdout).toContain(`! checkpoint   ${all}`);
    await world.call(['sync']);
    expect((await world.call(['status', '--check'])).exitCode).toBe(0);
    const counting = ['query', '--csv', 'SELECT count(*) AS n FROM quality_instances'];
    expect((await world.call(counting)).stdout).toBe('n\n30\n');
  });

  it('exits with 1 with --check if a target is not healthy, with a one-line reason', async () => {
    const world = await aWorld();
    const check = async (...more: string[]) => {
      const { exitCode, stdout } = await world.call(['status', '--check', ...more]);
      return [exitCode, stdout];
    };
    expect(await check()).toEqual([1, '✗ sales  no sync has covered anything yet: run dqsync sync\n']);
    await world.call(['sync']);
    expect(await check()).toEqual([0, '✓ sales  healthy\n']);
    expect(await check('--max-age', '0m')).toEqual([
      1,
      expect.stringMatching(/^✗ sales {2}complete only up to \S+Z, 1 minute ago \(limit 0 seconds\)\n$/),
    ]);
    world.simulator.traps.count = 'page';
    await world.write('secret.json', '{"token":"wrong"}');
    await world.call(['sync']);
    expect(await check()).toEqual([
      1,
      expect.stringMatching(/^✗ sales {2}the last run failed \d+ seconds? ago: \S.*\n$/),
    ]);
    await world.write('warehouse/state/sales/checkpoint.json', '{');
    expect(await check()).toEqual([1, expect.stringMatching(/^✗ sales {2}.*checkpoint.*\n$/)]);
    expect(await check('--max-age', 'soon')).toEqual([2, '']);
  });
});
