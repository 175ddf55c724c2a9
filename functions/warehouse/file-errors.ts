/** Explains errors of the file system to the person who must fix them. Pure. */
import { constants } from 'node:os';
import { StorageError } from '../errors.ts';

const remedies: Readonly<
  Record<string, { readonly what: string; readonly remedy: string; readonly retryable: boolean }>
> = {
  EACCES: {
    what: 'permission denied',
    remedy: 'Give the user that runs dqsync permission to read and write there, or set "warehouse" to another folder.',
    retryable: false,
  },
  EPERM: {
    what: 'operation not permitted',
    remedy:
      'Give the user that runs dqsync permission to write there, on a file system with hard links, or set "warehouse" to another folder.',
    retryable: false,
  },
  EROFS: {
    what: 'the file system is read-only',
    remedy: 'Set "warehouse" to a writable folder.',
    retryable: false,
  },
  ENOSPC: {
    what: 'no space left on the device',
    remedy: 'Free some space and run again; nothing was lost.',
    retryable: true,
  },
  EDQUOT: {
    what: 'the disk quota is used up',
    remedy: 'Free some space and run again; nothing was lost.',
    retryable: true,
  },
  ENOTDIR: {
    what: 'a part of the path is a file, not a folder',
    remedy: 'Set "warehouse" to a folder, or move the file away.',
    retryable: false,
  },
  EEXIST: {
    what: 'a file is in the place of a folder',
    remedy: 'Set "warehouse" to a folder, or move the file away.',
    retryable: false,
  },
  ENOENT: {
    what: 'files cannot be created there: the file system is read-only or virtual',
    remedy: 'Set "warehouse" to a writable folder.',
    retryable: false,
  },
  EFBIG: {
    what: 'the file would exceed the size limit',
    remedy: 'Raise the limit ("ulimit -f") and run again; nothing was lost.',
    retryable: true,
  },
  ENOLCK: {
    what: 'the file system does not support locks',
    remedy: 'Set "warehouse" to a folder on a local disk.',
    retryable: false,
  },
  EISDIR: { what: 'a folder is in the place of a file', remedy: 'Move the folder away.', retryable: false },
  ENAMETOOLONG: {
    what: 'the path is too long',
    remedy: 'Set "warehouse" to a folder with a shorter path.',
    retryable: false,
  },
  EMFILE: { what: 'too many open files', remedy: 'Raise the limit ("ulimit -n") and run again.', retryable: true },
  EXDEV: {
    what: 'the folder spans two file systems',
    remedy: 'Keep the whole warehouse on one file system.',
    retryable: false,
  },
};

/** Returns the code of a file system error (`ENOSPC`); undefined for any other error. */
export function fileErrorCode(thrown: unknown): string | undefined {
  // Node has no name for this one; its code is "Unknown system error -122".
  if (thrown instanceof Error && 'errno' in thrown && thrown.errno === -constants.errno.EDQUOT) {
    return 'EDQUOT';
  }
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
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
  const known = remedies[code];
  return new StorageError(`cannot ${doing} ${path}: ${known?.what ?? 'the file system reported an error'}`, {
    remedy: known?.remedy ?? 'Check the folder, its disk and its mount options.',
    code,
    retryable: known?.retryable,
    cause: thrown,
  });
}
