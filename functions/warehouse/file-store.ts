/**
 * A warehouse in a folder: atomic, safe between processes, and intact after a kill between any two steps.
 *
 * - A new object is written to `.tmp/`, flushed, and linked to its name; `link` fails if the name exists.
 * - A replacement is written to `.tmp/`, flushed, and renamed over the old object. A kernel lock covers comparison and
 * rename.
 * - Folders are flushed too, so that a reported write survives a power cut.
 *
 * Loads a native module at the first `putIfMatch`. connect.ts imports this file lazily, so that the Lambda does not
 * load it.
 */
import { createHash } from 'node:crypto';
import { link, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Clock, newToken, systemClock } from '../clock.ts';
import { InternalError, StorageError } from '../errors.ts';
import type { EpochMs } from '../model.ts';
import { explained, fileErrorCode } from './file-errors.ts';
import { withFileLock } from './file-lock.ts';
import { exists, flushFolder, ignoreMissing, makeFolder } from './folders.ts';
import { assertSafeKey, isHidden } from './layout.ts';
import { parseWarehouseUrl } from './location.ts';
import { moveAside, removeAside } from './replaced-files.ts';
import type { ListedObject, PutOutcome, Store, StoredObject } from './store.ts';

/** Files are written here before they get their names. Listings skip it. */
const temporaryFolder = '.tmp';

/** Folder for files that a compaction has replaced, under their keys. Listings skip it. */
const replacedFolder = '.replaced';

/** No write takes a day, so older files were left by killed processes. */
const abandonedAfterMs = 24 * 3_600_000;

/** A compaction moves files aside in a few rounds at most, with reads and writes of whole files in between. */
const maxListings = 20;

/** The content of a folder, as keys. Keys of folders end in `/`. */
interface FolderEntries {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** The content of a folder whose files were all there after it was read. */
interface FolderObjects extends Pick<FolderEntries, 'folders'> {
  readonly objects: readonly ListedObject[];
}

/** A store whose files can be read in place. */
export interface FileStore extends Store {
  /** The folder, as an absolute path. */
  readonly folder: string;
}

/**
 * Opens the warehouse in a folder. Reads and creates nothing yet.
 *
 * @param url `file:<folder>`, relative to the working directory or absolute
 * @throws ConfigError for any other URL
 */
export function openFileStore(url: string, clock: Clock = systemClock): FileStore {
  const location = parseWarehouseUrl(url);
  if (location.kind !== 'file') {
    throw new InternalError(`${url} is not a folder`);
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
    const bytes = await explained('read', path, () => readFile(path).catch(ignoreMissing));
    return bytes === undefined ? null : { bytes, etag: contentEtag(bytes) };
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome> {
    const path = this.#pathOf(key);
    return await explained('write', path, async () => {
      await makeFolder(dirname(path));
      const isNew = await this.#writeAside(bytes, (temporary) => linkUnlessTaken(temporary, path));
      await flushFolder(dirname(path));
      const isOurs = isNew || (await readFile(path)).equals(bytes);
      return isOurs ? { kind: 'won', etag: contentEtag(bytes) } : { kind: 'lost' };
    });
  }

  async putIfMatch(key: string, bytes: Uint8Array, etag: string): Promise<PutOutcome> {
    const path = this.#pathOf(key);
    return await explained('write', path, async () => {
      if (!(await exists(path))) {
        return { kind: 'lost' };
      }
      return await withFileLock(lockFileOf(path), this.#clock, async () => {
        const current = await this.get(key);
        if (current?.etag !== etag) {
          return { kind: 'lost' };
        }
        await this.#writeAside(bytes, (temporary) => rename(temporary, path));
        await flushFolder(dirname(path));
        return { kind: 'won', etag: contentEtag(bytes) };
      });
    });
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    // The prefix may end within a name, so the search starts in the folder above it.
    const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (start !== '') {
      assertSafeKey(start.slice(0, -1));
    }
    yield* this.#filesBelow(start, prefix);
  }

  async *folders(prefix: string): AsyncIterable<string> {
    if (prefix !== '') {
      assertSafeKey(prefix.slice(0, -1));
    }
    yield* (await this.#entriesOf(prefix, prefix)).folders;
  }

  async setAside(key: string): Promise<void> {
    const path = this.#pathOf(key);
    await explained('write', path, () => moveAside(path, join(this.folder, replacedFolder, key)));
  }

  async removeSetAside(keptMs: number): Promise<void> {
    const folder = join(this.folder, replacedFolder);
    await explained('write', folder, async () => {
      if (await exists(folder)) {
        const nowMs = await this.#writeAside(new Uint8Array(), async (temporary) => (await stat(temporary)).mtimeMs);
        await removeAside(folder, nowMs - keptMs);
      }
    });
  }

  /**
   * Lists files folder by folder, without hidden ones. Follows symbolic links, as reads and writes do; otherwise a day
   * whose folder is a link would be missing silently.
   */
  async *#filesBelow(folderKey: string, prefix: string): AsyncIterable<ListedObject> {
    const { objects, folders } = await this.#objectsOf(folderKey, prefix);
    yield* objects;
    for (const folder of folders) {
      yield* this.#filesBelow(folder, prefix);
    }
  }

  /**
   * Lists one folder until no file goes in between. If a compaction moves a file aside, the file that replaces it may
   * have appeared after the folder was read.
   *
   * @throws StorageError if files go every time
   */
  async #objectsOf(folderKey: string, prefix: string): Promise<FolderObjects> {
    for (let listings = 0; listings < maxListings; listings += 1) {
      const { files, folders } = await this.#entriesOf(folderKey, prefix);
      const objects = await this.#existing(files);
      if (objects.length === files.length) {
        return { objects, folders };
      }
    }
    throw new StorageError(
      `cannot list ${join(this.folder, folderKey)}: files were moved or removed during each of ${maxListings} listings`,
      {
        remedy: 'Find out which programs change the folder, and run again when they have finished.',
      },
    );
  }

  /**
   * Returns the entries of a folder that may start with `prefix`, without hidden ones; none if the folder does not
   * exist.
   */
  async #entriesOf(folderKey: string, prefix: string): Promise<FolderEntries> {
    const path = join(this.folder, folderKey);
    return await explained('list', path, async () => {
      const files: string[] = [];
      const folders: string[] = [];
      // Listed completely first, because a compaction may change the folder in the meantime.
      const entries = (await readdir(path, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
      for (const entry of entries.filter(({ name }) => mayLeadTo(prefix, `${folderKey}${name}`))) {
        const key = `${folderKey}${entry.name}`;
        const target = join(path, entry.name);
        const kind = entry.isSymbolicLink() ? await explained('list', target, () => stat(target)) : entry;
        if (kind.isDirectory()) {
          folders.push(`${key}/`);
        } else if (kind.isFile() && key.startsWith(prefix)) {
          files.push(key);
        }
      }
      return { files, folders };
    });
  }

  /** Returns the files with their sizes, without those that have gone in the meantime. */
  async #existing(keys: readonly string[]): Promise<ListedObject[]> {
    const objects = keys.map(async (key) => {
      const path = join(this.folder, key);
      const stats = await explained('list', path, () => stat(path).catch(ignoreMissing));
      return stats === undefined ? [] : [{ key, sizeBytes: stats.size }];
    });
    return (await Promise.all(objects)).flat();
  }

  #pathOf(key: string): string {
    assertSafeKey(key);
    return join(this.folder, key);
  }

  /**
   * Writes a flushed temporary file and moves it to its place. The temporary name is removed in any case. The first
   * write also removes files of killed processes.
   */
  async #writeAside<T>(bytes: Uint8Array, putInPlace: (temporary: string) => Promise<T>): Promise<T> {
    const folder = join(this.folder, temporaryFolder);
    await makeFolder(folder);
    const temporary = join(folder, `${newToken()}.tmp`);
    try {
      const handle = await open(temporary, 'wx');
      try {
        await handle.writeFile(bytes);
        await handle.sync();
        this.#swept ??= removeAbandoned(folder, (await handle.stat()).mtimeMs);
      } finally {
        await handle.close();
      }
      await this.#swept;
      return await putInPlace(temporary);
    } finally {
      await unlink(temporary).catch(ignoreMissing);
    }
  }
}

/**
 * Removes temporary files of killed processes. Files that cannot be removed do no harm.
 *
 * @param nowMs the time of a file just written. By the clock of this machine, which may be ahead of the file system's,
 * files of other machines would be removed while they are written
 */
async function removeAbandoned(folder: string, nowMs: EpochMs): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.allSettled(
    names.map(async (name) => {
      const path = join(folder, name);
      if ((await stat(path)).mtimeMs < nowMs - abandonedAfterMs) {
        await unlink(path);
      }
    }),
  );
}

/**
 * Returns whether `key` is listed for `prefix`, or may be a folder above listed keys. A name that is not valid UTF-8
 * was not written by dqsync. It is read with a replacement character, and a file of that name does not exist.
 */
function mayLeadTo(prefix: string, key: string): boolean {
  return !isHidden(key) && !key.includes('\ufffd') && (key.startsWith(prefix) || prefix.startsWith(key));
}

function contentEtag(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function lockFileOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.lock`);
}

/** Returns true if the name was free and now belongs to the file. */
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
