/** Explains errors of the file system to the person who must fix them. Pure. */
import { constants } from 'node:os';
import { StorageError } from '../errors.ts';

interface Explanation {
  readonly what: string;
  readonly remedy: string;
  readonly retryable: boolean;
}

const anotherFolder = 'Set "warehouse" to a folder, or move the file away.';
const writableFolder = 'Set "warehouse" to a writable folder.';
const localDisk = 'Set "warehouse" to a folder on a local disk.';
const freeSpace = 'Free some space and run again; nothing was lost.';

const explanations: Readonly<Record<string, Explanation>> = {
  EACCES: lasting(
    'permission denied',
    'Give the user that runs dqsync permission to read and write there, or set "warehouse" to another folder.',
  ),
  EPERM: lasting(
    'operation not permitted',
    'Give the user that runs dqsync permission to write there, on a file system with hard links, or set "warehouse" to another folder.',
  ),
  EROFS: lasting('the file system is read-only', writableFolder),
  ENOSPC: passing('no space left on the device', freeSpace),
  EDQUOT: passing('the disk quota is used up', freeSpace),
  ENOTDIR: lasting('a part of the path is a file, not a folder', anotherFolder),
  EEXIST: lasting('a file exists where a folder is expected', anotherFolder),
  ENOENT: lasting('the file system is read-only or virtual', writableFolder),
  EFBIG: passing(
    'the file would exceed the size limit',
    'Raise the limit ("ulimit -f") and run again; nothing was lost.',
  ),
  ENOLCK: lasting('the file system does not support locks', localDisk),
  ENOTSUP: lasting('the file system does not support this, for example hard links', localDisk),
  ENOSYS: lasting('the file system does not support this, for example hard links', localDisk),
  ELOOP: lasting('a link leads back to itself or to a folder above it', 'Remove the link.'),
  EISDIR: lasting('a folder exists where a file is expected', 'Move the folder away.'),
  ENAMETOOLONG: lasting('the path is too long', 'Set "warehouse" to a folder with a shorter path.'),
  EMFILE: passing('too many open files', 'Raise the limit ("ulimit -n") and run again.'),
  EXDEV: lasting('the folder spans two file systems', 'Keep the whole warehouse on one file system.'),
};

/** A folder that is missing is listed as empty, so only a link leads to nothing. */
const brokenLink = lasting(
  'it is a link to something that does not exist',
  'Restore the target of the link (is it mounted?), or remove the link.',
);

function lasting(what: string, remedy: string): Explanation {
  return { what, remedy, retryable: false };
}

function passing(what: string, remedy: string): Explanation {
  return { what, remedy, retryable: true };
}

/** Returns the code of a file system error (`ENOSPC`); undefined for any other error. */
export function fileErrorCode(thrown: unknown): string | undefined {
  // Node has no name for this one; its code is "Unknown system error -122".
  if (thrown instanceof Error && 'errno' in thrown && thrown.errno === -constants.errno.EDQUOT) {
    return 'EDQUOT';
  }
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Returns what an error code of the file system means, as the end of a sentence. */
export function describeFileError(code: string): string {
  return explanations[code]?.what ?? 'the file system reported an error';
}

/** Returns the remedy for a lack, of space for example, that is the same for any file; null for other errors. */
export function remedyForLack(code: string): string | null {
  const known = explanations[code];
  return known?.retryable ? known.remedy : null;
}

/**
 * Turns a file system error into a `StorageError` with the path, the code and a remedy. Returns anything else
 * unchanged.
 *
 * @param doing the operation, for example `write`
 */
export function toStorageError(thrown: unknown, doing: 'read' | 'write' | 'list', path: string): unknown {
  const code = fileErrorCode(thrown);
  if (code === undefined || thrown instanceof StorageError) {
    return thrown;
  }
  const known = code === 'ENOENT' && doing === 'list' ? brokenLink : explanations[code];
  return new StorageError(`cannot ${doing} ${path}: ${known?.what ?? describeFileError(code)}`, {
    remedy: known?.remedy ?? 'Check the folder, its disk and its mount options.',
    code,
    retryable: known?.retryable,
    cause: thrown,
  });
}

/** Runs `action`, and turns its errors by `toStorageError`. */
export async function explained<T>(
  doing: 'read' | 'write' | 'list',
  path: string,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (thrown) {
    throw toStorageError(thrown, doing, path);
  }
}
