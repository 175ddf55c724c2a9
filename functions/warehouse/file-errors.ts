/** Errors of the file system, in the words of the person who has to fix them. Pure. */
import { constants } from 'node:os';
import { StorageError } from '../errors.ts';

const remedies: Readonly<
  Record<string, { readonly what: string; readonly remedy: string; readonly retryable: boolean }>
> = {
  EACCES: {
    what: 'permission denied',
    remedy: 'Give the user dqsync runs as the right to read and write there, or set "warehouse" to another folder.',
    retryable: false,
  },
  EPERM: {
    what: 'operation not permitted',
    remedy:
      'Give the user dqsync runs as the right to write there; the file system must allow hard links. Or set "warehouse" to another folder.',
    retryable: false,
  },
  EROFS: {
    what: 'the file system is read-only',
    remedy: 'Set "warehouse" to a folder that can be written.',
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
    what: 'there is a file where a folder is due',
    remedy: 'Set "warehouse" to a folder, or move the file away.',
    retryable: false,
  },
  ENOENT: {
    what: 'no file or folder can be made there: the file system is read-only, or none for files',
    remedy: 'Set "warehouse" to a folder that can be written.',
    retryable: false,
  },
  EFBIG: {
    what: 'the file would be larger than is allowed',
    remedy: 'Raise the limit ("ulimit -f") and run again; nothing was lost.',
    retryable: true,
  },
  ENOLCK: {
    what: 'the file system has no locks',
    remedy: 'Set "warehouse" to a folder on a local disk.',
    retryable: false,
  },
  EISDIR: { what: 'there is a folder where a file is due', remedy: 'Move the folder away.', retryable: false },
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

/** The code of a file system error (`ENOSPC`); undefined for any other error. */
export function fileErrorCode(thrown: unknown): string | undefined {
  // Node has no name for it: its code is "Unknown system error -122".
  if (thrown instanceof Error && 'errno' in thrown && thrown.errno === -constants.errno.EDQUOT) {
    return 'EDQUOT';
  }
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/**
 * Turns a file system error into a `StorageError` with the path, the code and a remedy; anything else it returns as it is.
 *
 * @param doing what was tried, for example `write`
 */
export function toStorageError(thrown: unknown, doing: 'read' | 'write' | 'list', path: string): unknown {
  const code = fileErrorCode(thrown);
  if (code === undefined || thrown instanceof StorageError) {
    return thrown;
  }
  const known = remedies[code];
  return new StorageError(`cannot ${doing} ${path}: ${known?.what ?? 'the file system refused'}`, {
    remedy: known?.remedy ?? 'Look at the folder, its disk and its mount options.',
    code,
    retryable: known?.retryable,
    cause: thrown,
  });
}
