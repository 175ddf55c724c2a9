/** `dqsync query`: SQL over what was written. */
import { describe, expect, it } from 'vitest';
import { addExecutions, aWorld } from './world.ts';

async function aSyncedWorld(rows = 120) {
  const world = await aWorld();
  addExecutions(world, rows);
  const { id } = world.simulator.life.addExecution({
    name: 'a "quoted", name',
    startTimeMs: world.simulator.clock.now() - 3_600_000,
  });
  expect((await world.cli(['sync'])).exitCode).toBe(0);
  return { world, id: String(id) };
}

describe('dqsync query', () => {
  it('prints a table, cut to what one can read, with a note', async () => {
    const { world } = await aSyncedWorld();
    const all = await world.cli(['query', 'SELECT id, run_status FROM quality_instances']);
    expect(all.exitCode).toBe(0);
    expect(all.stdout.split('\n')).toHaveLength(102);
    expect(all.stderr).toBe(
      'The first 100 rows of 121 rows: show more with --max-rows, or all with --csv or --json.\n',
    );
    const few = await world.cli(['query', 'SELECT count(*) AS n FROM quality_instances', '--max-rows', '5']);
    expect(few.stdout).toBe('  n\n121\n');
    expect(few.stderr).toBe('(1 row)\n');
  });

  it('prints CSV that is quoted where it has to be, ids exact', async () => {
    const { world, id } = await aSyncedWorld(3);
    const run = await world.cli([
      'query',
      '--csv',
      `SELECT id, name, NULL AS nothing, '' AS empty FROM quality_instances WHERE id = ${id}`,
    ]);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toBe(`id,name,nothing,empty\n${id},"a ""quoted"", name",,""\n`);
  });

  it('prints JSON with ids as exact strings', async () => {
    const { world, id } = await aSyncedWorld(3);
    const run = await world.cli([
      'query',
      '--json',
      `SELECT id, name, start_time, 1::INTEGER AS one, NULL AS nothing, id AS id FROM quality_instances WHERE id = ${id}`,
    ]);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(run.stdout)).toEqual([
      {
        id,
        name: 'a "quoted", name',
        start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        one: 1,
        nothing: null,
        id_2: id,
      },
    ]);
  });

  it('answers over an empty warehouse too', async () => {
    const world = await aWorld();
    const run = await world.cli(['query', '--csv', 'SELECT count(*) AS n FROM quality_instances']);
    expect(run).toMatchObject({ exitCode: 0, stdout: 'n\n0\n' });
  });

  it.each([
    ['SELEC 1', 'Mend the SQL'],
    ['SELECT nothing FROM quality_instances', 'quality_instances has the columns id, name'],
    ["COPY (SELECT 1) TO 'out.csv'", 'error:'],
  ])('refuses %s with 2, in one paragraph', async (sql, message) => {
    const world = await aWorld();
    const run = await world.cli(['query', sql]);
    expect(run).toMatchObject({ exitCode: 2, stdout: '' });
    expect(run.stderr).toContain(message);
    expect(run.stderr.trimEnd()).not.toContain('\n');
  });
});
