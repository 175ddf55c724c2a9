/**
 * A process that writes to a folder warehouse, for tests that kill it or race several of them.
 *
 * `node store-writer.ts increment <url> <key> <times>` increments a counter. `node store-writer.ts fill <url> <prefix>`
 * writes new objects until it is killed, and replaces `<prefix>/checkpoint` after each. Prints the number of each
 * object whose write was confirmed. `node store-writer.ts put <url> <key>` writes one object. Prints the outcome, or
 * the error's kind, code and message.
 */
import { createHash } from 'node:crypto';
import { DqsyncError } from '../../functions/errors.ts';
import { openFileStore } from '../../functions/warehouse/file-store.ts';
import { bytesOf, increment } from './store-steps.ts';

const [task, url = '', key = '', times = '0'] = process.argv.slice(2);
const store = openFileStore(url);

if (task === 'increment') {
  await increment(store, key, Number(times));
} else if (task === 'put') {
  await store.putIfAbsent(key, bytesOf('1')).then(
    (outcome) => process.stdout.write(JSON.stringify(outcome)),
    (error: unknown) =>
      process.stdout.write(
        JSON.stringify(
          error instanceof DqsyncError ? { ...error, kind: error.kind, message: error.message } : String(error),
        ),
      ),
  );
} else {
  for (let number = 0; ; number += 1) {
    const body = `${number} `.repeat(20_000);
    const bytes = bytesOf(`${createHash('sha256').update(body).digest('hex')}\n${body}`);
    await store.putIfAbsent(`${key}/${number}`, bytes);
    const checkpoint = await store.get(`${key}/checkpoint`);
    await (checkpoint === null
      ? store.putIfAbsent(`${key}/checkpoint`, bytes)
      : store.putIfMatch(`${key}/checkpoint`, bytes, checkpoint.etag));
    process.stdout.write(`${number}\n`);
  }
}
