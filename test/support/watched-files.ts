/**
 * Intercepts the operations of a process on files: `watchFiles` wraps the functions of `node:fs/promises` that change a
 * folder or flush. Reads are left out, because the files look the same before and after them.
 *
 * For modules that are loaded by `node --import`, before the modules that import the functions.
 */
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** Called for each operation, which `work` runs. For a write, `half` writes half of the bytes, and may come before it. */
export type FileStep = <T>(
  name: string,
  path: unknown,
  work: () => Promise<T>,
  half?: () => Promise<unknown>,
) => Promise<T>;

/** Passes every operation from now on through `step`. */
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
      async () => handle.write(data as Uint8Array, 0, Math.floor((data as Uint8Array).length / 2), 0),
    );
  return handle;
}
