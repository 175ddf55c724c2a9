/** Runs `dqsync changes`. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFileStore } from '../../../functions/warehouse/file-store.ts';
import { defaultWorkspace } from '../../simulator/server.ts';
import { snowflakeText } from '../../simulator/snowflake.ts';
import { makeTask } from '../../simulator/timeline.ts';
import { anObservation } from '../../support/builders.ts';
import { writeObservations } from '../../support/warehouse-data.ts';
import { aWorld, hourMs, type World } from '../world.ts';

/** Makes a world with one task, whose executions, an hour apart, have the outcomes of the letters. */
async function aFilledWorld(letters: string): Promise<World> {
  const world = await aWorld();
  const nowMs = world.simulator.clock.now();
  const rows = [...letters].map((letter, index) => {
    const startTimeMs = nowMs - (letters.length - index) * hourMs + 60_000;
    const runStatus = { A: 'ALARMING', F: 'FAILED' }[letter] ?? 'SUCCESS';
    return anObservation({ ...defaultWorkspace, id: BigInt(1000 + index), name: '订单', runStatus, startTimeMs });
  });
  await writeObservations(openFileStore(`file:${join(world.folder, 'warehouse')}`), rows);
  return world;
}

describe('dqsync changes', () => {
  it('lists each change once, newest first, with the previous outcome', async () => {
    const world = await aFilledWorld('SSFFAS');
    const run = await world.cli(['changes']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '(3 changes)\n' });
    const [head, ...rows] = run.stdout.trimEnd().split('\n');
    expect(head?.split(/ +/)).toEqual(['since', 'task', 'from', 'to', 'in_a_row', 'execution']);
    expect(rows.map((row) => row.split(/ +/).slice(1, 5).join(' '))).toEqual([
      '订单 ALARMING SUCCESS 1',
      '订单 FAILED ALARMING 1',
      '订单 SUCCESS FAILED 2',
    ]);
    // Right-aligned like every number: numbers are never shortened.
    expect(rows[0]).toMatch(/ {7}1005$/);
  });

  it('finds the last outcome before the given time', async () => {
    const world = await aFilledWorld(`${'S'.repeat(50)}FF`);
    const run = await world.call(['changes', '--since', '3h', '--json']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(run.stdout)).toEqual([
      {
        target: 'sales',
        workspace: defaultWorkspace.workspace,
        taskId: '1170000000000000001',
        name: '订单',
        from: 'SUCCESS',
        to: 'FAILED',
        since: expect.stringMatching(/Z$/),
        inARow: 2,
        executionId: '1050',
      },
    ]);
    expect((await world.call(['changes', '--since', '30m'])).stdout).toMatch(
      /^No task's outcome has changed since .*Z\.\n$/,
    );
  });

  it('lists a new task that fails from its first execution on, with no outcome before', async () => {
    const world = await aWorld();
    const { life, clock } = world.simulator;
    await world.configure((config) => Object.assign(config, { results: 'none' }));
    const startMs = clock.now() - 6 * hourMs;
    const add = (name: string, createdMs: number, letters: string) => {
      const task = makeTask(snowflakeText(createdMs, name.length), name, 'QUALITY_TASK');
      const defined = life.tasks().define({ ...task, everyMs: hourMs });
      for (const [index, letter] of [...letters].entries()) {
        const runStatus = letter === 'F' ? 'FAILED' : 'SUCCESS';
        life.addExecution({ task: defined, runStatus, startTimeMs: startMs + index * hourMs });
      }
    };
    add('new, fails', startMs - hourMs, 'FF');
    add('new, passes', startMs - hourMs, 'SS');
    add('new, failed at first', startMs - hourMs, 'FS');
    // What it did before initialFrom is not in the table.
    add('old, fails', startMs - 400 * 24 * hourMs, 'FF');
    expect((await world.call(['sync', '--tasks'])).exitCode).toBe(0);
    const found = JSON.parse((await world.call(['changes', '--since', '1d', '--json'])).stdout);
    const shown = found.map((change: Record<string, unknown>) => [change['name'], change['from'], change['to']]);
    expect(shown).toEqual([
      ['new, failed at first', 'FAILED', 'SUCCESS'],
      ['new, failed at first', null, 'FAILED'],
      ['new, fails', null, 'FAILED'],
    ]);
    expect((await world.call(['changes', '--since', '1d'])).stdout).toMatch(/new, fails +- +FAILED +2 +\d{19}\n/);
    expect((await world.call(['changes', '--since', '5h', '--json'])).stdout).not.toContain('null');
  });

  it('does not list a task as new that may have run before the first execution in the table', async () => {
    const world = await aWorld();
    const { life, clock } = world.simulator;
    const dayMs = 24 * hourMs;
    const startMs = clock.now() - 24 * dayMs;
    const task = life
      .tasks()
      .define({ ...makeTask(snowflakeText(startMs - hourMs, 1), 'fails', 'QUALITY_TASK'), everyMs: dayMs });
    for (let day = 0; day < 24; day += 1) {
      life.addExecution({ task, runStatus: 'FAILED', startTimeMs: startMs + day * dayMs });
    }
    const knownFrom = async (days: number): Promise<void> => {
      const initialFrom = new Date(clock.now() - days * dayMs).toISOString();
      await world.configure((config) => Object.assign(config, { results: 'none', initialFrom }));
    };
    const found = async (): Promise<unknown> =>
      JSON.parse((await world.call(['changes', '--since', '30d', '--json'])).stdout);
    await knownFrom(2);
    expect((await world.call(['sync', '--tasks'])).exitCode).toBe(0);
    expect(await found()).toEqual([]);
    // What was not read is a gap now.
    await knownFrom(28);
    expect(await found()).toEqual([]);
    expect((await world.call(['backfill'])).exitCode).toBe(0);
    expect(await found()).toMatchObject([{ name: 'fails', from: null, to: 'FAILED', inARow: 24 }]);
  });

  it.each(['', 'SF'])(
    'says that the table has no executions of a new target, if others have: "%s"',
    async (letters) => {
      const world = await aFilledWorld(letters);
      await world.configure((config) => {
        config.targets.push({ ...config.targets[0], name: 'stock', workspace: 'ws2' });
      });
      const run = await world.call(['changes', '--target', 'stock']);
      expect(run.stdout).toMatch(/^The table has no executions of these targets and days\. "dqsync status" shows /);
      expect((await world.call(['changes', '--target', 'stock', '--json'])).stdout).toBe('[]\n');
      expect((await world.call(['changes'])).stdout).toMatch(letters === '' ? /^The table has no / : /^since /);
    },
  );

  it('does not count a first execution as a change, and refuses a time in the future', async () => {
    const world = await aFilledWorld('F');
    expect((await world.call(['changes', '--json'])).stdout).toBe('[]\n');
    const run = await world.call(['changes', '--since', '2199-01-01']);
    expect(run).toMatchObject({ exitCode: 2, stdout: '' });
    expect(run.stderr).toContain('--since "2199-01-01" is in the future');
  });
});
