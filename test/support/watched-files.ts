/**
 * Lets a process watch what it does to files: `watchFiles` wraps the functions of `node:fs/promises` that change a folder or
 * flush. A step that only reads leaves no difference between two moments.
 *
 * For modules that are loaded with `node --import`, before those that import the functions.
 */
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** One step: does `work`, or not. `half`, of a write, writes half of the bytes. */
export type FileStep = <T>(
  name: string,
  path: unknown,
  work: () => Promise<T>,
  half?: () => Promise<unknown>,
) => Promise<T>;

/** Has every step from now on go through `step`. */
export function watchFiles(step: FileStep): void {
  const { link, mkdir, open, rename, unlink } = promises;
  promises.mkdir = ((path, options) => step('mkdir', path, () => mkdir(path, options))) as typeof mkdir;
  promises.link = (from, to) => step('link', to, () => link(from, to));
  promises.rename = (from, to) => step('rename', to, () => rename(from, to));
  promises.unlink = (path) => step('unlink', path, () => unlink(path));
  promises.open = async (path, flags, mode) => {
    const isRead = flags === undefined || flags === 'r';
    const handle = isRead ? await open(path, flags, mode) : await step('open', path, () => open(path, flags, mode));
    return watched(handle, path, step);
  };
  syncBuiltinESMExports();
}

function watched(handle: FileHandle, path: unknown, step: FileStep): FileHandle {
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
