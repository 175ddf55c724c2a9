/**
 * Tells whether the source counts `offset` in rows or in pages, from what came back. Pure over `fetchPage`.
 *
 * The API reference says "Pagination offset" and no more. Asked with the wrong unit the source skips or repeats rows,
 * with status 200.
 */
import { ConfigError } from '../errors.ts';
import { executionKey, type Page, type Window } from '../model.ts';
import { fetchNonEmptyAt, type OffsetUnit, pageRows, type Reader } from './reader.ts';

/**
 * Compares the reply at offset 0 with the reply at offset 1 of the same window.
 *
 * Counting rows, the second starts one row later and shares nearly all rows with the first; counting pages, it shares
 * none, or is empty because there is no second page. Null where the replies do not tell: fewer than two rows on the first
 * page, or only some rows shared, as by a source that shuffles.
 */
export function offsetUnitSeen(atZero: Page, atOne: Page): OffsetUnit | null {
  const zeroKeys = pageKeys(atZero);
  const oneKeys = pageKeys(atOne);
  if (zeroKeys.size < 2) {
    return null;
  }
  const shared = [...oneKeys].filter((key) => zeroKeys.has(key)).length;
  if (shared === 0) {
    return 'page';
  }
  return shared >= (Math.min(zeroKeys.size, oneKeys.size) - 1) / 2 ? 'row' : null;
}

/**
 * Asks for offsets 0 and 1, once a run.
 *
 * @throws ConfigError if what comes back shows the other unit
 */
export async function requireOffsetUnit(reader: Reader, window: Window): Promise<void> {
  if (reader.traits.offsetUnitChecked) {
    return;
  }
  const atZero = await fetchNonEmptyAt(reader, window, 0);
  const unit = offsetUnitSeen(atZero, await fetchNonEmptyAt(reader, window, 1));
  if (unit !== null && unit !== reader.offsetUnit) {
    throw offsetUnitError(unit, reader.offsetUnit, window);
  }
  reader.traits.offsetUnitChecked = pageRows(atZero) > 1;
}

/** Says that the config names the wrong unit, what showed it, and what to set. */
function offsetUnitError(seen: OffsetUnit, configured: OffsetUnit, window: Window): ConfigError {
  const evidence =
    seen === 'page'
      ? 'the reply at offset 1 shares no row with the reply at offset 0'
      : 'the reply at offset 1 repeats the reply at offset 0 but for one row';
  return new ConfigError(
    `the source counts offset in ${seen}s, but source.offsetUnit is "${configured}": ${evidence}`,
    {
      remedy: `Set source.offsetUnit to "${seen}". Nothing was written past what is proven complete.`,
      window,
      code: 'source.offsetUnit',
    },
  );
}

function pageKeys(page: Page): Set<string> {
  return new Set([...page.executions.map(executionKey), ...page.unreadable.map((row) => row.rawText)]);
}
