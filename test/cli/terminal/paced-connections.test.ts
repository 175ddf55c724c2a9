import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Summary } from '../../../functions/sync/summary.ts';
import { addExecutions, aWorld, type World } from '../world.ts';

/**
 * A source with a small quota, and a config that names a stricter one: on a busy machine a request may arrive half a
 * second after it was sent.
 */
async function limitedWorld(): Promise<World> {
  const quota = { requests: 6, perSeconds: 2 };
  const world = await aWorld({ quota: { ...quota, perSeconds: 1.5 } });
  addExecutions(world, 500);
  await world.configure((config) => {
    config.source['quota'] = quota;
    config['results'] = 'none';
  });
  return world;
}

/** Makes `homedir` throw, as it does without HOME for a user who is not in the list of users. */
const homeless = `
import os from 'node:os';
import { syncBuiltinESMExports } from 'node:module';
os.homedir = () => {
  throw new Error('no home');
};
syncBuiltinESMExports();
`;

async function throttledBySync(world: World, env: Record<string, string>): Promise<number | undefined> {
  const { stdout } = await world.cli(['sync', '--json'], { env });
  const [summary]: readonly Summary[] = JSON.parse(stdout);
  return summary?.throttled;
}

it('counts the requests of the command before it towards the quota', async () => {
  const world = await limitedWorld();
  const env = { DQSYNC_CACHE: join(world.folder, 'cache') };
  expect((await world.cli(['doctor'], { env })).exitCode).toBe(0);
  expect(await throttledBySync(world, env)).toBe(0);
  const [file = ''] = await readdir(env.DQSYNC_CACHE);
  await writeFile(join(env.DQSYNC_CACHE, file), '{"instances":');
  expect((await world.cli(['list'], { env })).exitCode).toBe(0);
});

it('works without a folder to write to', async () => {
  const world = await limitedWorld();
  await world.write('cache', 'a file');
  const { exitCode } = await world.cli(['list'], { env: { DQSYNC_CACHE: join(world.folder, 'cache') } });
  expect(exitCode).toBe(0);
});

it('works for a user without a home folder', async () => {
  const world = await limitedWorld();
  await world.write('no-home.mjs', homeless);
  const env = { NODE_OPTIONS: `--import=${join(world.folder, 'no-home.mjs')}` };
  const { exitCode, stderr } = await world.cli(['list'], { env });
  expect(stderr).not.toContain('no home');
  expect(exitCode).toBe(0);
});
