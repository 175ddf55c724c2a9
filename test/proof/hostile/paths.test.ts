/** Names in a config cannot make dqsync write outside of the warehouse's folder. */
import { readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { addExecutions, aWorld } from '../../cli/world.ts';

it.each([
  ['target', 'name', '../../escaped'],
  ['target', 'name', '..'],
  ['target', 'name', 'a/b'],
  ['target', 'name', '.doctor'],
  ['workspace', 'workspace', '../../../escaped'],
  ['workspace', 'workspace', 'w\\..\\x'],
  ['project', 'projectId', '../x'],
  ['project', 'projectId', 'p?x=1'],
])(
  'names in the config with a %s whose %s is %j are refused before anything is written',
  async (_what, field, value) => {
    const world = await aWorld();
    addExecutions(world, 3);
    await world.configure((config) => {
      config.targets[0]![field] = value;
    });
    const run = await world.cli(['sync']);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(`targets[0].${field}`);
    expect((await readdir(world.folder, { recursive: true })).sort()).toEqual(['dqsync.json', 'secret.json']);
    expect(world.simulator.counters.requests).toBe(0);
  },
);
