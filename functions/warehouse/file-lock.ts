/**
 * A lock between processes. The kernel frees it when its holder dies in any way.
 *
 * The lock is on an empty file that is never removed, because a removed lock file lets two processes hold the lock. It
 * also excludes two holders in one process, because each opens the file itself (open file description locks).
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { StorageError } from '../errors.ts';

/** Longest wait for a lock, in ms. Its holder only writes one small file. */
const maxWaitMs = 30_000;
const firstPauseMs = 2;
const longestPauseMs = 50;

/**
 * Runs `action` while holding the lock of a file, which is created if missing. Its folder must exist.
 *
 * @throws StorageError naming the lock file if another process holds it for 30 s; what `open` throws
 */
export async function withFileLock<T>(lockFile: string, clock: Clock, action: () => Promise<T>): Promise<T> {
  const { tryLock, unlock } = await loadLocks(lockFile);
  const handle = await open(lockFile, 'a+');
  try {
    await waitForLock(lockFile, handle, tryLock, clock);
    try {
      return await action();
    } finally {
      unlock(handle.fd);
    }
  } finally {
    await handle.close();
  }
}

/** Loaded here because it is native; the Lambda's bundle does not contain it. */
async function loadLocks(lockFile: string): Promise<typeof import('fs-native-extensions')> {
  try {
    return await import('fs-native-extensions');
  } catch (cause) {
    throw new StorageError(
      `cannot lock ${lockFile}: file locks are not available for ${process.platform}-${process.arch}`,
      {
        remedy: 'Install again with "npm ci", or use an s3:// warehouse on this machine.',
        retryable: false,
        cause,
      },
    );
  }
}

async function waitForLock(
  lockFile: string,
  handle: FileHandle,
  tryLock: (fd: number) => boolean,
  clock: Clock,
): Promise<void> {
  let waitedMs = 0;
  let pauseMs = firstPauseMs;
  while (!tryLock(handle.fd)) {
    if (waitedMs >= maxWaitMs) {
      throw new StorageError(`another process has held the lock ${lockFile} for ${maxWaitMs / 1000} s`, {
        remedy:
          'Find that process with "lsof" or "fuser" on the file, and end it if it hangs. That frees the lock; removing the file does not.',
        code: 'ELOCKED',
      });
    }
    await clock.sleep(pauseMs);
    waitedMs += pauseMs;
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}
