/**
 * Loaded into a process by `node --import print-file-steps.ts`. Prints each operation on files on stderr when it is
 * done, as `<operation> <path>`, with the path below `DQSYNC_PRINTED_FOLDER` and `*` for random names.
 */
import { writeSync } from 'node:fs';
import { relative } from 'node:path';
import { watchFiles } from './watched-files.ts';

const folder = process.env['DQSYNC_PRINTED_FOLDER'] ?? '';

watchFiles(async (name, path, work) => {
  const done = await work();
  const place = relative(folder, String(path)).replace(/[\w-]+\.tmp$/, '*');
  writeSync(2, `${name} ${place === '' ? '.' : place}\n`);
  return done;
});
