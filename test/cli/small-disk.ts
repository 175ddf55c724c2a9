/** Syncs to a disk that is too small, and then to the same disk with free space. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binPath, type CliRun } from '../support/run-cli.ts';
import type { World } from './world.ts';

/** The results of both syncs. */
export interface SmallDisk {
  readonly full: CliRun;
  readonly roomy: CliRun;
  /** The output of `SELECT count(*) AS n` afterwards, as CSV. */
  readonly count: string;
  /** The expected part of the error. */
  readonly complaint: string;
}

/** Runs the CLI with its output in files, because the disk exists only as long as the shell. */
const runs = `
run() { name=$1; shift; "$@" >$name.out 2>$name.err; echo $? >$name.code; }
in_full run full "$node" "$bin" sync
in_roomy run roomy "$node" "$bin" sync
run count "$node" "$bin" query --csv 'SELECT count(*) AS n FROM quality_instances'
`;

/** Mounts a file system of 32 kB in a namespace, with which it is removed. */
const tinyFileSystem = `
mount -t tmpfs -o size=32k none warehouse || exit 77
in_full() { "$@"; }
in_roomy() { mount -o remount,size=64m none warehouse; "$@"; }
${runs}`;

/** Limits the size of files, like a quota, if file systems cannot be mounted. */
const tinyFiles = `
in_full() { (trap '' XFSZ; ulimit -f 8; "$@"); }
in_roomy() { "$@"; }
${runs}`;

/** Runs `sync` twice and counts the rows. */
export async function inSmallDisk(world: World): Promise<SmallDisk> {
  await mkdir(join(world.folder, 'warehouse'));
  const asRoot = process.getuid?.() === 0 ? '-m' : '-rm';
  const mounted = await shell(world, ['unshare', asRoot, 'sh', '-c', tinyFileSystem]);
  if (!mounted) {
    await shell(world, ['sh', '-c', tinyFiles]);
  }
  return {
    full: await resultOf(world, 'full'),
    roomy: await resultOf(world, 'roomy'),
    count: (await resultOf(world, 'count')).stdout,
    complaint: mounted ? 'no space left on the device' : 'EFBIG',
  };
}

async function shell(world: World, [command = '', ...args]: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, {
    cwd: world.folder,
    env: { PATH: process.env['PATH'], HOME: world.folder, node: process.execPath, bin: binPath },
    stdio: 'ignore',
  });
  try {
    const [code] = await once(child, 'close');
    return code === 0;
  } catch {
    return false;
  }
}

async function resultOf(world: World, name: string): Promise<CliRun> {
  const read = (suffix: string) => readFile(join(world.folder, `${name}.${suffix}`), 'utf8');
  return { exitCode: Number(await read('code')), signal: null, stdout: await read('out'), stderr: await read('err') };
}
