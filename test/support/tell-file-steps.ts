/**
 * Loaded into a process whose steps on files matter: `node --import tell-file-steps.ts`. Prints each step on stderr when it
 * is done, as `<what> <path>`, by its path below `DQSYNC_TOLD_FOLDER`; names that are drawn by chance are left out.
 */
import { writeSync } from 'node:fs';
import { relative } from 'node:path';
import { watchFiles } from './watched-files.ts';

const folder = process.env['DQSYNC_TOLD_FOLDER'] ?? '';

watchFiles(async (name, path, work) => {
  const done = await work();
  const place = relative(folder, String(path)).replace(/[\w-]+\.tmp$/, '*');
  writeSync(2, `${name} ${place === '' ? '.' : place}\n`);
  return done;
});
