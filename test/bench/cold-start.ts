/** Measures the size of the Lambda bundle, and how long a new process takes to load it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundleHandler } from '../support/bundle.ts';
import { type Figure, judged, median, megabytes, told, wholeNumber } from './figures.ts';

const loads = 11;

/** Measures in processes that load nothing else. The first one warms the disk's cache and does not count. */
export async function measureColdStart(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-bench-'));
  try {
    const bundle = await bundleHandler(folder);
    const loader = join(folder, 'load.mjs');
    await writeFile(
      loader,
      `const startedAtMs = performance.now(); await import('./index.mjs'); console.log(performance.now() - startedAtMs);`,
    );
    const timesMs: number[] = [];
    for (let load = 0; load <= loads; load += 1) {
      const { stdout } = await promisify(execFile)(process.execPath, [loader]);
      timesMs.push(Number(stdout));
    }
    const counted = timesMs.slice(1);
    return [
      judged('cold start', 'bundle', bundle.sizeBytes, { atMost: 2e6 }, megabytes),
      judged('cold start', `handler loads, median of ${loads}, ms`, median(counted), { atMost: 250 }),
      told('cold start', `handler loads, slowest of ${loads}, ms`, wholeNumber(Math.max(...counted))),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
