/** Checks whether the warehouse can be read and written, and whether compare-and-swap works. */
import { newToken } from '../../clock.ts';
import { StorageError } from '../../errors.ts';
import { probeKey } from '../../warehouse/layout.ts';
import { ignoredConditions } from '../../warehouse/s3-errors.ts';
import { type PutOutcome, putIfUnchanged, type Store } from '../../warehouse/store.ts';
import { type Check, runCheck } from './check.ts';

/** Writes the probe, reads it back, replaces it, and checks that a stale replacement is refused. */
export async function checkWarehouse(store: Store): Promise<Check> {
  return await runCheck('warehouse', async () => {
    const first = probe();
    const written = await writeProbe(store, first);
    const read = await store.get(probeKey);
    if (read === null || !Buffer.from(read.bytes).equals(first) || read.etag !== written.etag) {
      throw unreliable(store, `${probeKey} was read back with other content than was written`);
    }
    const replaced = requireWon(store, await store.putIfMatch(probeKey, probe(), written.etag));
    const stale = await store.putIfMatch(probeKey, probe(), written.etag);
    const taken = await store.putIfAbsent(probeKey, probe());
    if (stale.kind === 'won' || taken.kind === 'won') {
      throw ignoredConditions(store.url);
    }
    const last = await store.get(probeKey);
    if (last?.etag !== replaced.etag) {
      throw unreliable(store, `${probeKey} was changed by a write that was refused`);
    }
    return `${store.url} accepts writes, reads and conditional writes`;
  });
}

function probe(): Buffer {
  return Buffer.from(`${JSON.stringify({ format: 'dqsync.probe', token: newToken() })}\n`);
}

async function writeProbe(store: Store, bytes: Buffer): Promise<{ readonly etag: string }> {
  const before = await store.get(probeKey);
  return requireWon(store, await putIfUnchanged(store, probeKey, bytes, before?.etag ?? null));
}

function requireWon(store: Store, outcome: PutOutcome): { readonly etag: string } {
  switch (outcome.kind) {
    case 'won':
      return outcome;
    case 'lost':
      throw new StorageError(`a write to ${probeKey} in ${store.url} was refused because of a concurrent write`, {
        remedy: 'Run dqsync doctor again, one at a time.',
      });
    case 'unknown':
      throw new StorageError(`${store.url} did not reply to a write to ${probeKey}`, {
        remedy: 'Check that this machine can reach the warehouse, then run again.',
        cause: outcome.cause,
      });
  }
}

function unreliable(store: Store, what: string): StorageError {
  return new StorageError(`${store.url} is not safe to use: ${what}`, {
    remedy: 'Use S3 itself, or an S3-compatible store that honors If-Match and If-None-Match on PutObject.',
  });
}
