/** Runs `dqsync runs`. */
import { expect, it } from 'vitest';
import { addExecutions, aWorld, hourMs } from '../world.ts';

it('dqsync runs shows the runs of each target, newest first, with the reason of a failure', async () => {
  const world = await aWorld();
  expect(await world.call(['runs'])).toMatchObject({ exitCode: 0, stdout: 'sales  no runs yet\n', stderr: '' });
  addExecutions(world, 250);
  await world.call(['sync']);
  const from = new Date(world.simulator.clock.now() - 96 * hourMs).toISOString();
  const to = new Date(world.simulator.clock.now() - 48 * hourMs).toISOString();
  await world.call(['backfill', '--from', from, '--to', to]);
  await world.write('secret.json', '{"token":"wrong"}');
  expect((await world.call(['sync'])).exitCode).toBe(1);

  const run = await world.cli(['runs']);
  const [title, headings, ...lines] = run.stdout.trimEnd().split('\n');
  expect([title, headings]).toEqual([
    'sales  3 runs',
    expect.stringMatching(/^started +mode +window +rows +new +requests +time +outcome$/),
  ]);
  expect(lines).toEqual([
    expect.stringMatching(/^\S+Z +sync +\d+ \w+ +0 +0 +\d+ +\d+ s +failed$/),
    expect.stringMatching(/^\S+Z +backfill +2 d +0 +0 +\d+ +\d+ s +done$/),
    expect.stringMatching(/^\S+Z +sync +\d+ h +\d+ +250 +\d+ +\d+ s +done$/),
    expect.stringMatching(/^✗ \S+Z {2}.*token/),
  ]);
  expect((await world.call(['runs', '--limit', '1'])).stdout).toContain('the last 1 of 3 runs; all with --limit 3');
  const [{ target, runs }] = JSON.parse((await world.call(['runs', '--json', '--limit', '2'])).stdout);
  expect([target, runs.length]).toEqual(['sales', 2]);
  expect(runs[1]).toMatchObject({
    mode: 'backfill',
    outcome: 'done',
    from,
    to,
    rowsWritten: 0,
    lateRows: 0,
    error: null,
  });
});
