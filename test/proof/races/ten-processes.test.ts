/** Ten concurrent processes on one folder. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { isoTime } from '../../../functions/clock.ts';
import { defaultAccount } from '../../simulator/accounts.ts';
import { shiftedClock } from '../../simulator/movable-clock.ts';
import { defaultWorkspace, startSimulator } from '../../simulator/server.ts';
import { startCli } from '../../support/run-cli.ts';
import { tempFolder } from '../../support/temp-warehouse.ts';
import { compareWithTruth, noDifferences, readTable } from '../../support/view-check.ts';
import { dayMs, hourMs, target } from '../proof-world.ts';

const processes = 10;

interface Version {
  readonly commitIds: readonly string[];
  readonly coverage: readonly { readonly fromMs: number; readonly toMs: number }[];
}

async function readVersion(folder: string): Promise<Version | null> {
  const path = join(folder, 'warehouse', 'state', target, 'checkpoint.json');
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null ? null : JSON.parse(text);
}

async function dataFiles(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, 'warehouse'), { recursive: true });
  return names.filter((name) => name.endsWith('.parquet') && !name.includes('.tmp'));
}

it('ten concurrent processes commit to one folder one at a time, and undo, delete or duplicate nothing', async () => {
  const simulator = await startSimulator({ seed: 5, clock: shiftedClock() });
  onTestFinished(() => simulator.close());
  const nowMs = simulator.clock.now();
  simulator.life.addMany(3000, { fromMs: nowMs - 6 * dayMs, toMs: nowMs - hourMs, perMillisecond: 3 });
  const folder = await tempFolder();
  await writeFile(join(folder, 'secret.json'), JSON.stringify(defaultAccount.password));
  const config = {
    warehouse: `file:${join(folder, 'warehouse')}`,
    source: { endpoint: simulator.url, iamEndpoint: simulator.iamUrl, quota: { requests: 1000, perSeconds: 1 } },
    targets: [{ name: target, ...defaultWorkspace, credentials: 'file:./secret.json' }],
    initialFrom: isoTime(nowMs - 2 * dayMs),
  };
  await writeFile(join(folder, 'dqsync.config.json'), JSON.stringify(config));
  const range = ['--from', isoTime(nowMs - 6 * dayMs), '--to', isoTime(nowMs - 2 * dayMs)];
  const runs = Array.from({ length: processes }, (_, index) =>
    startCli([...(index % 3 === 2 ? ['backfill', ...range] : ['sync']), '--config', 'dqsync.config.json', '--json'], {
      cwd: folder,
    }),
  );
  let isOver = false;
  const ended = Promise.all(runs.map((run) => run.ended)).finally(() => {
    isOver = true;
  });
  const problems: string[] = [];
  const seen = new Set<string>();
  let before: Version = { commitIds: [], coverage: [] };
  let versions = 0;
  while (!isOver) {
    const now = await readVersion(folder);
    if (now !== null && now.commitIds.length !== before.commitIds.length) {
      versions += 1;
      problems.push(
        ...(now.commitIds.join().startsWith(before.commitIds.join())
          ? []
          : ['a checkpoint does not follow from one before']),
      );
      before = now;
    }
    const files = await dataFiles(folder).catch((): string[] => []);
    problems.push(...[...seen].filter((name) => !files.includes(name)).map((name) => `${name} went away`));
    for (const name of files) {
      seen.add(name);
    }
  }
  const outcomes = await ended;
  expect(outcomes.map(({ exitCode, stderr }) => ({ exitCode, stderr: exitCode === 0 ? '' : stderr }))).toEqual(
    Array.from({ length: processes }, () => ({ exitCode: 0, stderr: '' })),
  );
  expect(problems).toEqual([]);
  expect(versions).toBeGreaterThan(1);
  const last = await readVersion(folder);
  expect(new Set(last?.commitIds).size).toBeGreaterThanOrEqual(processes);
  expect(last?.commitIds.slice(0, before.commitIds.length)).toEqual(before.commitIds);
  expect(compareWithTruth(simulator, await readTable(join(folder, 'warehouse')))).toEqual(noDifferences);
});
