/**
 * A warehouse in a folder: atomic, safe between processes, whole after a kill between any two steps.
 *
 * - A new object is written aside (`.tmp/`), flushed, and linked to its name: `link` fails if the name is taken.
 * - A replacement is written aside, flushed, and renamed over the old one, under a kernel lock that covers the comparison.
 * - Folders are flushed too, so that what was reported as written is there after a power cut.
 *
 * Loads a native module on the first `putIfMatch`; connect.ts imports this file lazily, so that the Lambda goes without.
 */
import { createHash } from 'node:crypto';
import { link, mkdir, open, opendir, readdir, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Clock, newToken, systemClock } from '../clock.ts';
import { InternalError } from '../errors.ts';
import { fileErrorCode, toStorageError } from './file-errors.ts';
import { withFileLock } from './file-lock.ts';
import { assertSafeKey, isHidden } from './layout.ts';
import { parseWarehouseUrl } from './location.ts';
import type { ListedObject, PutOutcome, Store, StoredObject } from './store.ts';

/** Where files are written before they get their names. Listings leave it out. */
const temporaryFolder = '.tmp';

/** No write takes a day: what is older was left by a process that was killed. */
const abandonedAfterMs = 24 * 3_600_000;

/** What a folder holds, by keys; those of folders end in `/`. */
interface FolderEntries {
  /** Its path without links. */
  readonly real: string;
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** A store whose files can be read in place. */
export interface FileStore extends Store {
  /** The folder, as an absolute path. */
  readonly folder: string;
}

/**
 * Opens the warehouse in a folder. Nothing is read or made before it is needed.
 *
 * @param url `file:<folder>`, relative to the working directory or absolute
 * @throws ConfigError for any other URL
 */
export function openFileStore(url: string, clock: Clock = systemClock): FileStore {
  const location = parseWarehouseUrl(url);
  if (location.kind !== 'file') {
    throw new InternalError(`${url} is not a folder`, { remedy: 'This is a defect of dqsync; please report it.' });
  }
  return new FolderStore(url, resolve(location.folder), clock);
}

class FolderStore implements FileStore {
  readonly url: string;
  readonly folder: string;
  readonly #clock: Clock;
  #swept: Promise<void> | undefined;

  constructor(url: string, folder: string, clock: Clock) {
    this.url = url;
    this.folder = folder;
    this.#clock = clock;
  }

  async get(key: string): Promise<StoredObject | null> {
    const path = this.#pathOf(key);
    try {
      const bytes = await readFile(path);
      return { bytes, etag: contentEtag(bytes) };
    } catch (thrown) {
      if (fileErrorCode(thrown) === 'ENOENT') {
        return null;
      }
      throw toStorageError(thrown, 'read', path);
    }
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome> {
    const path = this.#pathOf(key);
    try {
      await this.#prepare(path);
      const isNew = await this.#writeAside(bytes, (temporary) => linkUnlessTaken(temporary, path));
      await flushFolder(dirname(path));
      return isNew || (await holds(path, bytes)) ? { kind: 'won', etag: contentEtag(bytes) } : { kind: 'lost' };
    } catch (thrown) {
      throw toStorageError(thrown, 'write', path);
    }
  }

  async putIfMatch(key: string, bytes: Uint8Array, etag: string): Promise<PutOutcome> {
    const path = this.#pathOf(key);
    if ((await this.get(key)) === null) {
      return { kind: 'lost' };
    }
    try {
      await this.#prepare(path);
      return await withFileLock(lockFileOf(path), this.#clock, async () => {
        const current = await this.get(key);
        if (current?.etag !== etag) {
          return { kind: 'lost' };
        }
        await this.#writeAside(bytes, (temporary) => rename(temporary, path));
        await flushFolder(dirname(path));
        return { kind: 'won', etag: contentEtag(bytes) };
      });
    } catch (thrown) {
      throw toStorageError(thrown, 'write', path);
    }
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    // The prefix may end within a name; the folder above that name is where to look.
    const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (start !== '') {
      assertSafeKey(start.slice(0, -1));
    }
    for await (const keys of this.#filesBelow(start, prefix)) {
      const sizes = await Promise.all(keys.map((key) => this.#sizeOf(key)));
      for (const [index, key] of keys.entries()) {
        const sizeBytes = sizes[index] ?? null;
        if (sizeBytes !== null) {
          yield { key, sizeBytes };
        }
      }
    }
  }

  async *folders(prefix: string): AsyncIterable<string> {
    if (prefix !== '') {
      assertSafeKey(prefix.slice(0, -1));
    }
    yield* (await this.#entriesOf(prefix, prefix)).folders;
  }

  /**
   * The files of one folder after the other, without hidden ones. Follows links, as reading and writing do: a day whose folder
   * is a link would else be left out without a word.
   *
   * @param above real paths of the folders that lead here, so that a link to one of them does not go round
   */
  async *#filesBelow(
    folderKey: string,
    prefix: string,
    above: readonly string[] = [],
  ): AsyncIterable<readonly string[]> {
    const { real, files, folders } = await this.#entriesOf(folderKey, prefix, above);
    yield files;
    for (const folder of folders) {
      yield* this.#filesBelow(folder, prefix, [...above, real]);
    }
  }

  /** What lies in a folder and may start with `prefix`, without what is hidden; nothing where there is no such folder. */
  async #entriesOf(folderKey: string, prefix: string, above: readonly string[] = []): Promise<FolderEntries> {
    const path = join(this.folder, folderKey);
    const files: string[] = [];
    const folders: string[] = [];
    try {
      const real = await realpath(path);
      if (above.includes(real)) {
        return { real, files, folders };
      }
      for await (const entry of await opendir(path)) {
        const key = `${folderKey}${entry.name}`;
        if (!mayLeadTo(prefix, key)) {
          continue;
        }
        const kind = entry.isSymbolicLink() ? await stat(join(path, entry.name)) : entry;
        if (kind.isDirectory()) {
          folders.push(`${key}/`);
        } else if (kind.isFile() && key.startsWith(prefix)) {
          files.push(key);
        }
      }
      return { real, files, folders };
    } catch (thrown) {
      if (!(await isGone(thrown, path))) {
        throw toStorageError(thrown, 'list', path);
      }
      return { real: path, files: [], folders: [] };
    }
  }

  async #sizeOf(key: string): Promise<number | null> {
    const path = join(this.folder, key);
    try {
      return (await stat(path)).size;
    } catch (thrown) {
      if (fileErrorCode(thrown) === 'ENOENT') {
        return null;
      }
      throw toStorageError(thrown, 'list', path);
    }
  }

  #pathOf(key: string): string {
    assertSafeKey(key);
    if (key.split('/').some((part) => part === temporaryFolder || isLockName(part))) {
      throw new InternalError(`key ${JSON.stringify(key)} is a name the store needs for itself`, {
        remedy: 'This is a defect of dqsync; please report it with this message.',
      });
    }
    return join(this.folder, key);
  }

  /** Makes the folders a write needs, durably, and sweeps what killed processes left. */
  async #prepare(path: string): Promise<void> {
    await makeFolder(join(this.folder, temporaryFolder));
    await makeFolder(dirname(path));
    this.#swept ??= this.#sweep();
    await this.#swept;
  }

  /** Writes a flushed temporary file and has it put in place; whatever happens, it is gone afterwards. */
  async #writeAside<T>(bytes: Uint8Array, putInPlace: (temporary: string) => Promise<T>): Promise<T> {
    const temporary = join(this.folder, temporaryFolder, `${newToken()}.tmp`);
    try {
      const handle = await open(temporary, 'wx');
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      return await putInPlace(temporary);
    } finally {
      await unlink(temporary).catch(ignoreMissing);
    }
  }

  /** Removes temporary files of killed processes. What cannot be removed may stay: it does no harm. */
  async #sweep(): Promise<void> {
    const folder = join(this.folder, temporaryFolder);
    const before = this.#clock.now() - abandonedAfterMs;
    const names = await readdir(folder).catch(() => []);
    await Promise.allSettled(
      names.map(async (name) => {
        const path = join(folder, name);
        if ((await stat(path)).mtimeMs < before) {
          await unlink(path);
        }
      }),
    );
  }
}

/** Whether `key` is listed for `prefix`, or may be a folder above what is. */
function mayLeadTo(prefix: string, key: string): boolean {
  return !isHidden(key) && (key.startsWith(prefix) || prefix.startsWith(key));
}

function contentEtag(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function lockFileOf(path: string): string {
  return join(dirname(path), `.${path.slice(dirname(path).length + 1)}.lock`);
}

function isLockName(part: string): boolean {
  return part.startsWith('.') && part.endsWith('.lock');
}

/** True if the name was free and is now the file's. */
async function linkUnlessTaken(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (thrown) {
    if (fileErrorCode(thrown) === 'EEXIST') {
      return false;
    }
    throw thrown;
  }
}

async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
  return (await readFile(path)).equals(bytes);
}

/**
 * Makes a folder and its parents, and flushes each folder that got a new entry. Level by level: Node's own recursive mkdir
 * never ends where the system answers ENOENT for a folder whose parent is there, as /proc does.
 */
async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  for (let folder = path; !(await exists(folder)); folder = dirname(folder)) {
    missing.unshift(folder);
  }
  for (const folder of missing) {
    await mkdir(folder).catch((thrown: unknown) => {
      if (fileErrorCode(thrown) !== 'EEXIST') {
        throw thrown;
      }
    });
    await flushFolder(dirname(folder));
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    ignoreMissing(thrown);
    return dirname(path) === path;
  }
}

async function flushFolder(path: string): Promise<void> {
  // Windows does not open folders, and needs no flush of them.
  if (process.platform === 'win32') {
    return;
  }
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(thrown: unknown): void {
  if (fileErrorCode(thrown) !== 'ENOENT') {
    throw thrown;
  }
}

/** Whether a folder does not exist; not where a link in it leads nowhere. */
async function isGone(thrown: unknown, path: string): Promise<boolean> {
  return (
    fileErrorCode(thrown) === 'ENOENT' &&
    (await stat(path).then(
      () => false,
      () => true,
    ))
  );
}
