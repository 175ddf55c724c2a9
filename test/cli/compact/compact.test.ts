/** The output and the exit code of `dqsync compact`. test/compaction tests its effect on files. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFileStore } from '../../../functions/warehouse/file-store.ts';
import { hourlyObservations } from '../../compaction/world.ts';
import { defaultWorkspace } from '../../simulator/server.ts';
import { writeObservations } from '../../support/warehouse-data.ts';
import { aWorld } from '../world.ts';

/** Writes three settled days of 16 files each. */
async function aFullWorld() {
  const world = await aWorld();
  const store = openFileStore(`file:${join(world.folder, 'warehouse')}`);
  const keys = await writeObservations(store, hourlyObservations(3, 12, defaultWorkspace));
  return { world, keys };
}

describe('dqsync compact', () => {
  it('prints its plan, compacts, and then finds nothing to do', async () => {
    const { world } = await aFullWorld();
    const view = (await world.call(['query', '--csv', 'FROM quality_instances ORDER BY ALL'])).stdout;

    const planned = await world.call(['compact', '--dry-run']);
    expect(planned).toMatchObject({ exitCode: 0, stderr: '' });
    expect(planned.stdout).toMatch(/^sales: would compact 3 days: 48 files of \S+ .B into about 3\.\n$/);

    const some = await world.call(['compact', '--from', '2026-01-01', '--to', '2026-01-02']);
    expect(some.stdout).toMatch(/^sales: compacted 1 day: 16 files of \S+ .B into 1 of \S+ .B\.\n$/);

    const rest = JSON.parse((await world.call(['compact', '--json'])).stdout);
    expect(rest).toMatchObject([{ target: 'sales', done: true, failed: [] }]);
    expect(rest[0].days).toMatchObject([
      { dt: '2026-01-03', filesBefore: 16, filesAfter: 1, rows: 40 },
      { dt: '2026-01-02', filesBefore: 16, filesAfter: 1, rows: 40 },
    ]);

    expect(await world.call(['compact'])).toMatchObject({ exitCode: 0, stdout: 'sales: nothing to compact.\n' });
    expect((await world.call(['query', '--csv', 'FROM quality_instances ORDER BY ALL'])).stdout).toBe(view);
  });

  it('fails for a day with a damaged file, and compacts the others', async () => {
    const { world, keys } = await aFullWorld();
    await writeFile(join(world.folder, 'warehouse', keys[0] ?? ''), 'no Parquet');

    const run = await world.cli(['compact']);

    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain('compacted 2 days');
    expect(run.stderr).toContain('day 2026-01-01 of quality_instance_observations is unchanged');
    expect(run.stderr).toMatch(
      /Without a backup, move it out of the warehouse .*: dqsync verify --from 2026-01-01 --to 2026-01-02 --deep --repair/,
    );
  });
});
