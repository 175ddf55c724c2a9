/** Writes files of the user's own, such as a config, a demo or a page, and explains why that is not possible. */
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { newToken } from '../../clock.ts';
import { ConfigError, DqsyncError, StorageError } from '../../errors.ts';
import { describeFileError, fileErrorCode, remedyForLack } from '../../warehouse/file-errors.ts';

/**
 * Runs `work`, which writes files into a folder.
 *
 * @throws ConfigError if the file system refuses that, StorageError if it is full, and what `work` throws otherwise
 */
export async function writingInto<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = cause instanceof DqsyncError ? undefined : fileErrorCode(cause);
    if (code === undefined) {
      throw cause;
    }
    const message = `cannot create files in ${resolve(folder)}: ${describeFileError(code)} (${code})`;
    const remedy = remedyForLack(code);
    throw remedy === null
      ? new ConfigError(message, { remedy: 'Run from a writable directory.', cause })
      : new StorageError(message, { remedy, cause });
  }
}

/**
 * Writes a new file completely or not at all.
 *
 * @throws what the file system throws: EEXIST if there is such a file
 */
export async function writeNew(path: string, text: string, mode = 0o666): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text);
  } catch (thrown) {
    await rm(path);
    throw thrown;
  } finally {
    await file.close();
  }
}

/** Writes a page completely or not at all, because a browser may be reading the previous one. */
export async function writePage(path: string, html: string): Promise<void> {
  const temporary = join(dirname(path), `.dqsync-report-${newToken()}`);
  try {
    await writeFile(temporary, html);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const code = fileErrorCode(cause) ?? '';
    const why = code === 'ENOENT' ? 'the folder does not exist' : describeFileError(code);
    throw new StorageError(`cannot write the report to ${path}: ${why} (${code})`, {
      remedy: remedyForLack(code) ?? 'With --out, give a file in an existing, writable folder.',
      cause,
    });
  }
}
