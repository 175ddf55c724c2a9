/** `dqsync status` from the outside. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeAnyCheckpoint, encodeCheckpoint } from '../../../functions/checkpoint/codec.ts';
import { addExecutions, aWorld, hourMs } from '../world.ts';

describe('dqsync status', () => {
  it('before the first run says where that will begin', async () => {
    const world = await aWorld();
    const run = await world.cli(['status']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(
      /^sales\n {2}complete {3}nothing yet\n {2}open {7}none\n {2}last run {3}none yet\n {2}next run {3}reads \S+Z to \S+Z\n {2}source {5}its clock agrees with ours, no rows dated in the future\n$/,
    );
  });

  it('after a run tells watermark, open executions, the last run, and what the next will do', async () => {
    const world = await aWorld();
    addExecutions(world, 100);
    world.simulator.life.addExecution({ runStatus: 'RUNNING', startTimeMs: world.simulator.clock.now() - 5 * hourMs });
    await world.cli(['sync']);
    const run = await world.cli(['status']);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/complete {3}\S+ to \S+ \(1 minute ago\), 101 executions, no gaps/);
    expect(run.stdout).toMatch(/open {7}1 execution, started \S+ \(5 hours ago\)/);
    expect(run.stdout).toMatch(/last run {3}done at \S+ \(\d+ seconds? ago\), 101 rows written/);
    expect(run.stdout).toMatch(/next run {3}reads \S+ to \S+, and looks again at 1 earlier open execution/);
  });

  it('prints the same as JSON', async () => {
    const world = await aWorld();
    addExecutions(world, 10);
    await world.cli(['sync']);
    const run = await world.cli(['status', '--json']);
    expect(JSON.parse(run.stdout)).toEqual([
      {
        target: 'sales',
        watermark: expect.stringMatching(/Z$/),
        watermarkAgeSeconds: expect.any(Number),
        coverage: { from: expect.stringMatching(/Z$/), to: expect.stringMatching(/Z$/), rows: 10, gaps: [] },
        openExecutions: 0,
        oldestOpenStart: null,
        oldestOpenAgeSeconds: null,
        lastRun: expect.objectContaining({ mode: 'incremental', outcome: 'done', rowsWritten: 10, error: null }),
        nextRun: { from: expect.stringMatching(/Z$/), to: expect.stringMatching(/Z$/), looksAgainAt: 0 },
        source: { clockSkewMs: expect.any(Number), futureRows: 0, mayBeMore: false, latestStart: null },
      },
    ]);
  });

  it('shows coverage as a timeline, its gaps, and what fills them', async () => {
    const world = await aWorld();
    addExecutions(world, 100);
    await world.cli(['sync']);
    expect((await world.cli(['status'])).stdout).toMatch(/\n {2}coverage {3}\S+Z █{40} \S+Z\n {2}open/);
    await world.configure((config) => {
      config['initialFrom'] = new Date(world.simulator.clock.now() - 72 * hourMs).toISOString();
    });
    const run = await world.cli(['status']);
    expect(run.stdout).toMatch(/1 gap before that\n {2}coverage {3}\d{4}-\d\d-\d\d ░+▒?█+ \d{4}-\d\d-\d\d\n/);
    expect(run.stdout).toMatch(/\n {2}gaps {7}\S+Z to \S+Z \(\d days?\)\n {13}dqsync backfill fills them\n {2}open/);
  });

  it('tells what backfills have covered before any sync', async () => {
    const world = await aWorld();
    addExecutions(world, 100);
    const [from, to] = [22, 1].map((hours) => new Date(world.simulator.clock.now() - hours * hourMs).toISOString());
    await world.cli(['backfill', '--from', from!, '--to', to!]);
    const run = await world.cli(['status']);
    expect(run.stdout).toMatch(
      /complete {3}\d+ executions by backfills, nothing by a sync yet\n {2}coverage {3}\S+ ░+▒?█+ \S+Z\n/,
    );
  });

  it('names a clock that is off and rows dated in the future', async () => {
    const world = await aWorld({ traps: { dateSkewMs: -3 * hourMs } });
    world.simulator.life.addFutureDated(48 * hourMs);
    const run = await world.cli(['status']);
    expect(run.stdout).toMatch(/its clock is \d hours behind ours, 1 row dated in the future, the latest \S+Z/);
  });

  it('goes on without a source that cannot be asked, and says why', async () => {
    const world = await aWorld();
    await world.cli(['sync']);
    await world.simulator.close();
    const run = await world.cli(['status']);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain('last run   done');
    expect(run.stdout).toMatch(/source {5}cannot be asked: .*ECONNREFUSED/);
  });

  it('tells of a run that was killed, and of one that failed', async () => {
    const world = await aWorld();
    await world.cli(['sync']);
    const path = join(world.folder, 'warehouse', 'state', 'sales', 'checkpoint.json');
    const checkpoint = decodeAnyCheckpoint(await readFile(path), 'sales', path);
    const lastRun = checkpoint.lastRun!;
    await writeFile(path, encodeCheckpoint({ ...checkpoint, lastRun: { ...lastRun, outcome: 'running' } }));
    expect((await world.cli(['status'])).stdout).toContain('last run   running, or killed since: started ');

    const failed = { ...lastRun, outcome: 'failed' as const, error: 'the source refused' };
    await writeFile(path, encodeCheckpoint({ ...checkpoint, lastRun: failed }));
    expect((await world.cli(['status'])).stdout).toMatch(/last run {3}failed at .*: the source refused\n/);
  });
});
