/**
 * Loaded into a process of dqsync by `node --import at-file-steps.ts`. Counts the states through which it takes the
 * files below `DQSYNC_STEPS_FOLDER`: one after each operation, and one in the middle of each write. Either kills the
 * process by SIGKILL in state number `DQSYNC_KILL_AT`, or copies the files of each state to
 * `<DQSYNC_COPIES_FOLDER>/<number>` and prints `<number> <operation>` on stderr. The process waits for the copy.
 */
import { cpSync, writeSync } from 'node:fs';
import { join, relative } from 'node:path';
import { watchFiles } from '../../support/watched-files.ts';

const { DQSYNC_STEPS_FOLDER: folder = '', DQSYNC_KILL_AT: killAt, DQSYNC_COPIES_FOLDER: copies } = process.env;
let states = 0;

function reach(operation: string): void {
  states += 1;
  if (copies !== undefined) {
    cpSync(folder, join(copies, String(states)), { recursive: true });
    writeSync(2, `state ${states} ${operation}\n`);
  } else if (states === Number(killAt)) {
    process.kill(process.pid, 'SIGKILL');
  }
}

watchFiles(async (name, path, work, half) => {
  const place = relative(folder, String(path));
  // A flush changes nothing that another process sees.
  if (place.startsWith('..') || name === 'sync') {
    return await work();
  }
  if (half !== undefined) {
    await half();
    reach(`half of ${name} ${place}`);
  }
  try {
    return await work();
  } finally {
    reach(`${name} ${place}`);
  }
});
