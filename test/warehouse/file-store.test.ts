import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type PathLike, renameSync, writeFileSync } from 'node:fs';
import fsPromises, { chmod, mkdir, open, readdir, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { tryLock } from 'fs-native-extensions';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../functions/clock.ts';
import { systemClock } from '../../functions/clock.ts';
import { StorageError } from '../../functions/errors.ts';
import { type FileStore, openFileStore } from '../../functions/warehouse/file-store.ts';
import { bytesOf, countIn, keysOf, textAt } from '../support/store-steps.ts';
import { tempFolder, tempWarehouse } from '../support/temp-warehouse.ts';
import { describeStore } from './store-contract.ts';

const writer = join(import.meta.dirname, '../support/store-writer.ts');

function startWriter(...args: string[]): ChildProcess {
  return spawn(process.execPath, [writer, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

describeStore('folder store', async () => {
  const folder = await tempFolder();
  return () => openFileStore(`file:${folder}/warehouse`);
});

describe('folder store: places of objects', () => {
  it('accepts a folder as a shell path after file:, and as a standard file URL', async () => {
    const folder = await tempFolder();
    await openFileStore(`file:${folder}/a b`).putIfAbsent('key', bytesOf('1'));

    expect(await textAt(openFileStore(pathToFileURL(`${folder}/a b`).href), 'key')).toBe('1');
    expect(openFileStore('file:./some/where').folder).toBe(join(process.cwd(), 'some/where'));
    expect(openFileStore('file:./some/where').url).toBe('file:./some/where');
  });

  it('creates nothing when reading', async () => {
    const folder = await tempFolder();
    const store = openFileStore(`file:${folder}/warehouse`);

    expect(await store.get('a/b')).toBeNull();
    expect(await store.putIfMatch('a/b', bytesOf('1'), 'x')).toEqual({ kind: 'lost' });
    expect(await keysOf(store, 'a/')).toEqual([]);

    expect(await readdir(folder)).toEqual([]);
  });
});

describe('folder store: links', () => {
  it.each([
    ['a folder', 'data/dt=1'],
    ['a file', 'data/dt=1/a'],
    ['the folder above', 'data'],
  ])('lists, reads and protects objects behind a link to %s', async (_, linked) => {
    const folder = await tempFolder();
    const store = openFileStore(`file:${folder}/warehouse`);
    await store.putIfAbsent('data/dt=1/a', bytesOf('1'));
    await rename(join(folder, 'warehouse', linked), join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), join(folder, 'warehouse', linked));

    expect(await keysOf(store, 'data/')).toEqual(['data/dt=1/a']);
    expect(await textAt(store, 'data/dt=1/a')).toBe('1');
    expect(await store.putIfAbsent('data/dt=1/a', bytesOf('2'))).toEqual({ kind: 'lost' });
  });

  it('fails a listing if a link leads back to a parent folder', async () => {
    const folder = await tempFolder();
    const store = openFileStore(`file:${folder}/warehouse`);
    await store.putIfAbsent('data/dt=1/a', bytesOf('1'));
    await symlink(join(folder, 'warehouse'), join(folder, 'warehouse/data/round'));

    await expect(keysOf(store, 'data/')).rejects.toMatchObject({ kind: 'storage', code: 'ELOOP' });
  });

  it('leaves out a file whose name is not valid UTF-8', async () => {
    const folder = await tempFolder();
    const store = openFileStore(`file:${folder}/warehouse`);
    await store.putIfAbsent('data/dt=1/a', bytesOf('1'));
    await writeFile(Buffer.concat([bytesOf(join(folder, 'warehouse/data/dt=1/caf')), Buffer.from([0xe9])]), 'not ours');

    expect(await keysOf(store, 'data/')).toEqual(['data/dt=1/a']);
  });

  it('reports a broken link', async () => {
    const folder = await tempFolder();
    const store = openFileStore(`file:${folder}/warehouse`);
    await store.putIfAbsent('data/dt=1/a', bytesOf('1'));
    await symlink(join(folder, 'nowhere'), join(folder, 'warehouse/data/dt=2'));

    await expect(keysOf(store, 'data/')).rejects.toMatchObject({
      message: `cannot list ${join(folder, 'warehouse/data/dt=2')}: it is a link to something that does not exist`,
      remedy: expect.stringContaining('remove the link'),
    });
  });
});

describe('folder store: a listing while a file is replaced by another', () => {
  it('shows at least one of the two, whatever step of the listing it comes between', async () => {
    const store = await tempWarehouse();
    const pathOf = (key: string) => join(store.folder, key);
    for (let ticks = 0; ticks < 60; ticks += 1) {
      const [day, old, later] = [`data/dt=${ticks}/`, `data/dt=${ticks}/old`, `data/dt=${ticks}/new`];
      await store.putIfAbsent(old, bytesOf('1'));
      const listing = keysOf(store, day);
      for (let tick = 0; tick < ticks; tick += 1) {
        await new Promise(setImmediate);
      }
      writeFileSync(pathOf(later), '1');
      renameSync(pathOf(old), join(store.folder, `moved-${ticks}`));

      expect(await listing, `after ${ticks} ticks`).not.toEqual([]);
    }
  });

  /** Replaces the only file of `data/dt=1` by another each time that a listing asks for its size. */
  function replaceDuringListings(store: FileStore, mostTimes: number): void {
    const { stat } = fsPromises;
    const useStat = (used: typeof stat): void => {
      fsPromises.stat = used;
      syncBuiltinESMExports();
    };
    let times = 0;
    useStat((async (path: PathLike) => {
      if (String(path).endsWith(`/file-${times}`) && times < mostTimes) {
        times += 1;
        writeFileSync(join(store.folder, `data/dt=1/file-${times}`), '1');
        renameSync(path, join(store.folder, `moved-${times}`));
      }
      return await stat(path);
    }) as typeof stat);
    onTestFinished(() => useStat(stat));
  }

  it.each([1, 2, 10])('shows the last file if one is replaced %i times during the listing', async (times) => {
    const store = await tempWarehouse();
    await store.putIfAbsent('data/dt=1/file-0', bytesOf('1'));
    replaceDuringListings(store, times);
    expect(await keysOf(store, 'data/')).toEqual([`data/dt=1/file-${times}`]);
  });

  it('fails if a file goes each time that the folder is listed', async () => {
    const store = await tempWarehouse();
    await store.putIfAbsent('data/dt=1/file-0', bytesOf('1'));
    replaceDuringListings(store, Number.POSITIVE_INFINITY);
    await expect(keysOf(store, 'data/')).rejects.toMatchObject({
      kind: 'storage',
      message: expect.stringMatching(/^cannot list .*data\/dt=1\/: files were moved or removed during each/),
    });
  });
});

describe('folder store: several processes', () => {
  it('keeps every increment of four concurrent processes', async () => {
    const store = await tempWarehouse();
    await store.putIfAbsent('state/counter', bytesOf('0 start'));

    const writers = Array.from({ length: 4 }, () => startWriter('increment', store.url, 'state/counter', '25'));
    const codes = await Promise.all(writers.map((process) => once(process, 'exit')));

    expect(codes.map(([code]) => code)).toEqual([0, 0, 0, 0]);
    expect(countIn(await textAt(store, 'state/counter'))).toBe(100);
  });

  it('has only complete objects, and all confirmed ones, after a kill', async () => {
    const store = await tempWarehouse();
    for (let round = 0; round < 6; round += 1) {
      const process = startWriter('fill', store.url, `round${round}`);
      const reported: number[] = [];
      for await (const line of createInterface({ input: process.stdout! })) {
        reported.push(Number(line));
        if (reported.length === 3 + round) {
          process.kill('SIGKILL');
        }
      }

      const keys = await keysOf(store, `round${round}/`);
      expect(keys).toEqual(expect.arrayContaining(reported.map((number) => `round${round}/${number}`)));
      for (const key of keys) {
        const [hash, body = ''] = (await textAt(store, key))?.split('\n') ?? [];
        expect(createHash('sha256').update(body).digest('hex')).toBe(hash);
      }
    }
  });

  it('is not blocked by a lock whose holder was killed', async () => {
    const store = await tempWarehouse();
    await store.putIfAbsent('state/counter', bytesOf('0 start'));
    const process = startWriter('increment', store.url, 'state/counter', '1000000');
    for (let text = await textAt(store, 'state/counter'); countIn(text) < 3; ) {
      text = await textAt(store, 'state/counter');
    }
    process.kill('SIGKILL');
    await once(process, 'exit');

    const read = await store.get('state/counter');

    expect((await store.putIfMatch('state/counter', bytesOf('done'), read?.etag ?? '')).kind).toBe('won');
  });

  it('fails on a lock that is never freed, and names the file', async () => {
    let sleptMs = 0;
    const clock: Clock = {
      now: () => 0,
      sleep: (ms) => {
        sleptMs += ms;
        return Promise.resolve();
      },
    };
    const folder = await tempFolder();
    const store = openFileStore(`file:${folder}`, clock);
    const won = await store.putIfAbsent('state/counter', bytesOf('1'));
    const lockFile = join(folder, 'state/.counter.lock');
    await using holder = await open(lockFile, 'a+');
    expect(tryLock(holder.fd)).toBe(true);

    const attempt = store.putIfMatch('state/counter', bytesOf('2'), won.kind === 'won' ? won.etag : '');

    await expect(attempt).rejects.toMatchObject({
      kind: 'storage',
      code: 'ELOCKED',
      message: expect.stringContaining(lockFile),
    });
    expect(sleptMs).toBeGreaterThanOrEqual(30_000);
    expect(await textAt(store, 'state/counter')).toBe('1');
  });
});

/** Returns the operations of a writer process on the files of a warehouse. */
async function stepsOf(folder: string, ...args: string[]): Promise<string[]> {
  const preload = join(import.meta.dirname, '../support/print-file-steps.ts');
  const { stderr } = await promisify(execFile)(process.execPath, ['--import', preload, writer, ...args], {
    env: { ...process.env, DQSYNC_PRINTED_FOLDER: folder },
  });
  return stderr.trimEnd().split('\n');
}

describe('folder store: a power cut', () => {
  const aside = ['open .tmp/*', 'write .tmp/*', 'sync .tmp/*'];

  it('leaves no incomplete new object: bytes are flushed before the object gets its name, folders and name afterwards', async () => {
    const folder = await tempFolder();

    expect(await stepsOf(folder, 'put', `file:${folder}`, 'a/b/c')).toEqual([
      ...['mkdir a', 'sync .', 'mkdir a/b', 'sync a', 'mkdir .tmp', 'sync .'],
      ...aside,
      ...['link a/b/c', 'unlink .tmp/*', 'sync a/b'],
    ]);
  });

  it('leaves the old or the new object: bytes are flushed before the old one is replaced, the rename afterwards', async () => {
    const store = await tempWarehouse();
    await store.putIfAbsent('state/counter', bytesOf('0 start'));

    expect(await stepsOf(store.folder, 'increment', store.url, 'state/counter', '1')).toEqual([
      ...['open state/.counter.lock', ...aside],
      ...['rename state/counter', 'sync state'],
    ]);
  });
});

describe('folder store: temporary files', () => {
  it('are removed after each write', async () => {
    const store = await tempWarehouse();
    const won = await store.putIfAbsent('a/b', bytesOf('1'));
    await store.putIfAbsent('a/b', bytesOf('2'));
    await store.putIfMatch('a/b', bytesOf('3'), won.kind === 'won' ? won.etag : '');

    expect(await readdir(join(store.folder, '.tmp'))).toEqual([]);
  });

  it('temporary files of killed processes are removed after a day', async () => {
    const store = await tempWarehouse();
    const temporary = join(store.folder, '.tmp');
    await mkdir(temporary, { recursive: true });
    await writeFile(join(temporary, 'old.tmp'), 'x');
    await writeFile(join(temporary, 'young.tmp'), 'x');
    const yesterday = (Date.now() - 25 * 3_600_000) / 1000;
    await utimes(join(temporary, 'old.tmp'), yesterday, yesterday);

    await store.putIfAbsent('key', bytesOf('1'));

    expect(await readdir(temporary)).toEqual(['young.tmp']);
  });

  it('temporary files of other processes are kept by one whose clock is two days ahead', async () => {
    const folder = await tempFolder();
    await mkdir(join(folder, '.tmp'));
    await writeFile(join(folder, '.tmp', 'in-flight.tmp'), 'x');
    const clock = { ...systemClock, now: () => Date.now() + 48 * 3_600_000 };

    await openFileStore(`file:${folder}`, clock).putIfAbsent('key', bytesOf('1'));

    expect(await readdir(join(folder, '.tmp'))).toEqual(['in-flight.tmp']);
  });
});

describe('folder store: errors of the file system', () => {
  it('explain a file in place of a folder', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, 'file'), 'x');
    const store = openFileStore(`file:${folder}/file`);

    const attempts = [
      () => store.get('a'),
      () => store.putIfAbsent('a', bytesOf('1')),
      () => store.putIfMatch('a', bytesOf('1'), 'x'),
      () => keysOf(store, 'a/'),
    ];
    for (const attempt of attempts) {
      const error = await attempt().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StorageError);
      expect(error).toMatchObject({
        message: expect.stringContaining(join(folder, 'file')),
        remedy: expect.stringContaining('"warehouse"'),
        retryable: false,
      });
    }
  });

  it.runIf(process.platform === 'linux')('report a folder that cannot be created', async () => {
    const store = openFileStore('file:/proc/dqsync-warehouse');
    await expect(store.putIfAbsent('state/sales/checkpoint.json', new Uint8Array([1]))).rejects.toMatchObject({
      kind: 'storage',
      code: 'ENOENT',
      remedy: expect.stringContaining('"warehouse"'),
    });
  });

  it('explain a folder in place of a file', async () => {
    const store = await tempWarehouse();
    await store.putIfAbsent('a/b', bytesOf('1'));

    await expect(store.get('a')).rejects.toMatchObject({ kind: 'storage', code: 'EISDIR', retryable: false });
    await expect(store.putIfAbsent('a', bytesOf('1'))).rejects.toMatchObject({ kind: 'storage', code: 'EISDIR' });
  });

  it('explain a folder without write permission', async () => {
    const folder = await tempFolder();
    await chmod(folder, 0o755);
    const sealed = join(folder, 'sealed');
    await mkdir(sealed, { mode: 0o555 });
    // Root may write anywhere, so the process must run as another user.
    const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

    const { stdout } = await promisify(execFile)(process.execPath, [writer, 'put', `file:${sealed}`, 'a/b'], user);

    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'storage',
      code: 'EACCES',
      message: expect.stringContaining('permission denied'),
      remedy: expect.stringContaining('permission to read and write'),
    });
  });
});
