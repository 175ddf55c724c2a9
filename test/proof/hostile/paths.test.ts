/** Names and keys cannot make dqsync write outside of the warehouse's folder. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DqsyncError } from '../../../functions/errors.ts';
import { openFileStore } from '../../../functions/warehouse/file-store.ts';
import { addExecutions, aWorld } from '../../cli/world.ts';
import { bytesOf } from '../../support/store-steps.ts';
import { tempFolder } from '../../support/temp-warehouse.ts';
import { hostileText } from './hostile-texts.ts';

const pathPart = fc.oneof(
  fc.constantFrom('..', '.', '', 'a', '.tmp', '\\..', '%2e%2e', '~', '..\\', 'con'),
  hostileText,
);
const key = fc.array(pathPart, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));

/** Returns all paths below a folder except for those in the warehouse. */
async function outsideOf(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name !== 'warehouse' && !name.startsWith(`warehouse/`)).sort();
}

it('a folder warehouse writes each object inside of its folder or not at all, and reads back the same bytes', async () => {
  const folder = join(await tempFolder(), 'a', 'b');
  await mkdir(folder, { recursive: true });
  const store = openFileStore(`file:${join(folder, 'warehouse')}`);
  await fc.assert(
    fc.asyncProperty(key, async (one) => {
      const bytes = bytesOf(one);
      try {
        const outcome = await store.putIfAbsent(one, bytes);
        expect(outcome.kind === 'won' && (await store.get(one))?.bytes).toEqual(Buffer.from(bytes));
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(DqsyncError);
        expect((thrown as DqsyncError).remedy).toMatch(/\S{3}/);
      }
    }),
    { numRuns: 400 },
  );
  expect(await outsideOf(folder)).toEqual([]);
  expect(await readdir(join(folder, '..'))).toEqual(['b']);
});

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
    expect(await outsideOf(world.folder)).toEqual(['dqsync.json', 'secret.json']);
    expect(await readdir(world.folder)).not.toContain('warehouse');
    expect(world.simulator.counters.requests).toBe(0);
  },
);
