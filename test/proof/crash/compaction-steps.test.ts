/** `dqsync compact`, as a process that is killed at each of its steps on the files of a folder. */
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openFileStore } from '../../../functions/warehouse/file-store.ts';
import { dataPrefix } from '../../../functions/warehouse/layout.ts';
import { compact, fill } from '../../compaction/world.ts';
import { runCli } from '../../support/run-cli.ts';
import { keysOf } from '../../support/store-steps.ts';
import { storedRows, storedView } from '../../support/stored-rows.ts';
import { tempFolder } from '../../support/temp-warehouse.ts';

const preload = fileURLToPath(new URL('kill-at-file-step.ts', import.meta.url));
const config = {
  warehouse: 'file:./warehouse',
  source: { endpoint: 'http://127.0.0.1:9' },
  targets: [{ name: 'sales', projectId: 'p', workspace: 'sales', credentials: 'env:UNUSED' }],
  initialFrom: '2026-01-01T00:00:00Z',
};

it('I3, I17: a compaction killed at any step on files loses nothing, and the next one ends it', async () => {
  const folder = await tempFolder();
  const [warehouse, asWritten] = [join(folder, 'warehouse'), join(folder, 'as-written')];
  await writeFile(join(folder, 'dqsync.json'), JSON.stringify(config));
  // 7 runs write 10 files.
  const original = openFileStore(`file:${asWritten}`);
  const keys = [...(await fill(original, 1, 7))].sort();
  const [rows, view] = [(await storedRows(original)).sort(), await storedView(original)];
  const store = openFileStore(`file:${warehouse}`);
  const hit: string[] = [];

  for (let step = 1, isOver = false; !isOver; step += 1) {
    // After a step is before the next one, as far as files go.
    const moments = ['before'];
    for (const moment of moments) {
      await rm(warehouse, { recursive: true, force: true });
      await cp(asWritten, warehouse, { recursive: true });
      const run = await runCli(['compact'], {
        cwd: folder,
        nodeArgs: ['--import', preload],
        env: { DQSYNC_KILL_FOLDER: warehouse, DQSYNC_KILL_AT: String(step), DQSYNC_KILL_MOMENT: moment },
      });
      const [, what = 'its end'] = /^killed \w+ step \d+: (.+)$/m.exec(run.stderr) ?? [];
      const when = `${moment} step ${step}, ${what}`;
      isOver = run.signal !== 'SIGKILL';
      expect(isOver ? run.exitCode : run.signal, run.stderr).toBe(isOver ? 0 : 'SIGKILL');
      hit.push(what.replace(/compact-\d+-[0-9a-f]{32}-\d+|[\w-]+(?=\.tmp$)/, '*'));
      if (moment === 'before' && what.startsWith('write ')) {
        moments.push('within');
      }
      expect(await storedView(store), when).toEqual(view);

      await compact(store);

      expect(await storedView(store), when).toEqual(view);
      expect((await storedRows(store)).sort(), when).toEqual(rows);
      expect(await keysOf(store, dataPrefix), when).toHaveLength(1);
      const replaced = await readdir(join(warehouse, '.replaced', dataPrefix), { recursive: true });
      expect(
        replaced.filter((path) => path.endsWith('.parquet')),
        when,
      ).toHaveLength(keys.length);
    }
  }

  expect(hit.filter((what) => what.startsWith('rename .replaced/'))).toHaveLength(keys.length);
  expect(hit).toContainEqual(expect.stringMatching(/^link quality_instance_observations\/.*\/\*\.parquet$/));
  expect(hit.at(-1)).toBe('its end');
}, 300_000);
