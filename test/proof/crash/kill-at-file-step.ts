/**
 * Loaded into a dqsync that is to die: `node --import kill-at-file-step.ts`. Counts what the process does to files below
 * `DQSYNC_KILL_FOLDER`, and at step `DQSYNC_KILL_AT` kills the process `before`, `within` or `after` it
 * (`DQSYNC_KILL_MOMENT`), by SIGKILL. `within` a write, half of the bytes are written; within anything else is before it.
 */
import { writeSync } from 'node:fs';
import { relative } from 'node:path';
import { watchFiles } from '../../support/watched-files.ts';

const folder = process.env['DQSYNC_KILL_FOLDER'] ?? '';
const killAt = Number(process.env['DQSYNC_KILL_AT']);
const moment = process.env['DQSYNC_KILL_MOMENT'];
let steps = 0;

function die(what: string): void {
  writeSync(2, `killed ${moment} step ${killAt}: ${what}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** Counts a step, does it, and dies where it has to. */
async function step<T>(name: string, path: unknown, work: () => Promise<T>, half?: () => Promise<unknown>): Promise<T> {
  const place = relative(folder, String(path));
  if (place.startsWith('..')) {
    return await work();
  }
  steps += 1;
  const isDue = steps === killAt;
  if (isDue && moment === 'within') {
    await half?.();
  }
  if (isDue && moment !== 'after') {
    die(`${name} ${place}`);
  }
  try {
    return await work();
  } finally {
    if (isDue) {
      die(`${name} ${place}`);
    }
  }
}

watchFiles(step);
