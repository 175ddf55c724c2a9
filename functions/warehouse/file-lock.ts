/**
 * A lock between processes that the kernel frees when its holder dies, however it dies.
 *
 * It lies on an empty file that is never removed (removing a lock file lets two processes hold "the" lock). It excludes
 * two holders in one process as well, because each opens the file anew (open file description locks).
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { StorageError } from '../errors.ts';

/** How long to wait for a lock, in ms. Its holder writes one small file meanwhile. */
const maxWaitMs = 30_000;
const firstPauseMs = 2;
const longestPauseMs = 50;

/**
 * Runs `action` while holding the lock of a file, which is made if it is not there. Its folder must exist.
 *
 * @throws StorageError naming the lock file, after 30 s in which another process held it; what `open` throws
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

/** Loaded only here because it is native: the Lambda's bundle goes without. */
async function loadLocks(lockFile: string): Promise<typeof import('fs-native-extensions')> {
  try {
    return await import('fs-native-extensions');
  } catch (cause) {
    throw new StorageError(`cannot lock ${lockFile}: no locks for ${process.platform}-${process.arch}`, {
      remedy: 'Install again with "npm ci", or use an s3:// warehouse on this machine.',
      retryable: false,
      cause,
    });
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
          'Find out which one with "lsof" or "fuser" on that file and end it if it hangs. The lock is freed when it ends; removing the file does not help.',
        code: 'ELOCKED',
      });
    }
    await clock.sleep(pauseMs);
    waitedMs += pauseMs;
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}
