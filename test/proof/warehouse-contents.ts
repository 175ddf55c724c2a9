/** Reads what a warehouse holds, in a folder or in the emulated S3, without code of the product. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FakeS3 } from '../support/fake-s3.ts';

/** A window of coverage. */
export interface CoveredSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The data files and the coverage of a warehouse. */
export interface WarehouseContents {
  /** The folder of the data files, copied from S3 if necessary; null without data files. */
  readonly folder: string | null;
  /** Hash of each data file, by its key. */
  readonly dataFiles: ReadonlyMap<string, string>;
  /** Files of rule results. */
  readonly resultFiles: readonly Uint8Array[];
  /** Coverage by the checkpoint; empty without a checkpoint. */
  readonly coverage: readonly CoveredSpan[];
}

const dataFolder = 'quality_instance_observations/';
const resultFolder = 'quality_rule_results/';

/** Reads `<folder>/warehouse`, or `table/` in S3, whose data files it copies to `<folder>/copy`. */
export async function folderContents(folder: string, s3: FakeS3 | null): Promise<WarehouseContents> {
  const objects = s3 === null ? await readFolder(join(folder, 'warehouse')) : bucketObjects(s3);
  const dataFiles = new Map<string, string>();
  for (const [key, bytes] of objects) {
    if (key.startsWith(dataFolder)) {
      dataFiles.set(key, createHash('sha256').update(bytes).digest('hex'));
      if (s3 !== null) {
        await copyTo(join(folder, 'copy', key), bytes);
      }
    }
  }
  const checkpoint = objects.get('state/sales/checkpoint.json');
  const document = checkpoint === undefined ? { coverage: [] } : JSON.parse(Buffer.from(checkpoint).toString());
  return {
    folder: dataFiles.size === 0 ? null : join(folder, s3 === null ? 'warehouse' : 'copy'),
    dataFiles,
    resultFiles: [...objects].flatMap(([key, bytes]) => (key.startsWith(resultFolder) ? [bytes] : [])),
    coverage: document.coverage,
  };
}

function bucketObjects(s3: FakeS3): Map<string, Uint8Array> {
  return new Map([...s3.objects].map(([key, bytes]) => [key.replace(/^table\//, ''), bytes]));
}

async function readFolder(folder: string): Promise<Map<string, Uint8Array>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const keys = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((key) => !key.startsWith('.') && !key.includes('/.'));
  return new Map(await Promise.all(keys.map(async (key) => [key, await readFile(join(folder, key))] as const)));
}

async function copyTo(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes, { flag: 'wx' }).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EEXIST') {
      throw thrown;
    }
  });
}
