/** Writes files of the user's own, such as a config, a demo or a page, and explains why that is not possible. */
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { newToken } from '../../clock.ts';
import { ConfigError, DqsyncError, StorageError } from '../../errors.ts';
import { fileErrorCode } from '../../warehouse/file-errors.ts';

/**
 * Runs `work`, which writes files into a folder.
 *
 * @throws ConfigError if the file system refuses that, and what `work` throws otherwise
 */
export async function writingInto<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = cause instanceof DqsyncError ? undefined : fileErrorCode(cause);
    if (code === undefined) {
      throw cause;
    }
    throw new ConfigError(`cannot create files in ${resolve(folder)} (${code})`, {
      remedy: 'Run from a writable directory.',
      cause,
    });
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
    throw new StorageError(`cannot write the report to ${path} (${fileErrorCode(cause)})`, {
      remedy: 'With --out, give a file in an existing, writable folder.',
      cause,
    });
  }
}
