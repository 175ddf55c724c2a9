/** Explains why files of the user's own, such as a config or a demo, cannot be written. */
import { resolve } from 'node:path';
import { ConfigError, DqsyncError } from '../../errors.ts';
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
