/** Writes the page to a file. */
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { newToken } from '../../clock.ts';
import { StorageError } from '../../errors.ts';

/** Writes a file completely or not at all, because a browser may be reading the previous one. */
export async function writePage(path: string, html: string): Promise<void> {
  const temporary = join(dirname(path), `.dqsync-report-${newToken()}`);
  try {
    await writeFile(temporary, html);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new StorageError(`cannot write the report to ${path}${code}`, {
      remedy: 'With --out, give a file in an existing, writable folder.',
      cause,
    });
  }
}
