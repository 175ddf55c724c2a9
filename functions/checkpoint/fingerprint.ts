/** Fingerprints that show whether a row has changed since it was last written. Pure. */
import type { Execution } from '../model.ts';
import { executionColumns } from '../warehouse/columns.ts';

/** All columns except the key: the ones that may change between observations. */
const stateColumns = executionColumns.filter(({ isKey }) => isKey !== true);

/** Returns a 64-bit hash of an execution's state. */
export function fingerprintOf(execution: Execution): string {
  return hash64(stateColumns.map(({ read }) => read(execution) ?? '\u0001').join('\u0000'));
}

/** Returns two 32-bit hashes (FNV-1a's prime and another multiplier) as text. Detects changes; not cryptographic. */
export function hash64(text: string): string {
  let high = 0x811c9dc5;
  let low = 0x9747b28c;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x5bd1e995);
    low ^= low >>> 13;
  }
  return (high >>> 0).toString(36) + (low >>> 0).toString(36).padStart(7, '0');
}
