/**
 * Loaded into a dqsync that is to die: `node --import kill-at-file-step.ts`. Counts what the process does to files below
 * `DQSYNC_KILL_FOLDER`, and at step `DQSYNC_KILL_AT` kills the process `before`, `within` or `after` it
 * (`DQSYNC_KILL_MOMENT`), by SIGKILL. `within` a write, half of the bytes are written; within anything else is before it.
 *
 * The wrapped functions are the ones that change a folder; what only reads leaves nothing to tell two kills apart.
 */
import { writeSync } from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';

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

const { link, mkdir, open, rename, unlink } = promises;

promises.mkdir = ((path, options) => step('mkdir', path, () => mkdir(path, options))) as typeof mkdir;
promises.link = (from, to) => step('link', to, () => link(from, to));
promises.rename = (from, to) => step('rename', to, () => rename(from, to));
promises.unlink = (path) => step('unlink', path, () => unlink(path));
promises.open = async (path, flags, mode) => {
  const isRead = flags === undefined || flags === 'r';
  const handle = isRead ? await open(path, flags, mode) : await step('open', path, () => open(path, flags, mode));
  return watched(handle, path);
};
syncBuiltinESMExports();

function watched(handle: FileHandle, path: unknown): FileHandle {
  const { writeFile, sync } = handle;
  handle.sync = () => step('sync', path, () => sync.call(handle));
  handle.writeFile = (data, options) =>
    step(
      'write',
      path,
      () => writeFile.call(handle, data, options),
      async () => handle.write((data as Uint8Array).subarray(0, Math.floor((data as Uint8Array).length / 2))),
    );
  return handle;
}
