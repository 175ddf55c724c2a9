/**
 * Loaded into a process of dqsync by `node --import kill-at-file-step.ts`. Counts the operations on files below
 * `DQSYNC_KILL_FOLDER`, and sends SIGKILL to the process at operation `DQSYNC_KILL_AT`: `before`, `within` or `after`
 * it (`DQSYNC_KILL_MOMENT`). `within` a write, half of the bytes are written; for other operations it means `before`.
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

/** Counts a step, runs it, and kills the process if it is the chosen one. */
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
