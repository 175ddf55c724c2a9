/**
 * Tells whether the source counts `offset` in rows or in pages, from what came back. Pure over `fetchPage`.
 *
 * The API reference says "Pagination offset" and no more. Asked with the wrong unit the source skips or repeats rows,
 * with status 200.
 */
import { ConfigError } from '../errors.ts';
import { executionKey, type Page, type Window } from '../model.ts';
import { addPage, type Collected, rowCount } from './collected.ts';
import type { Pass } from './pass.ts';
import { fetchNonEmptyAt, type OffsetUnit, type Reader } from './reader.ts';

/** Where counts prove what is read, a wrong unit is only to be named: not worth asking more often than this. */
const maxDoubts = 3;

/** Fewer rows than this on the first page are no evidence: they may all have changed between two replies. */
const tellingRows = 5;

/**
 * Compares the reply at offset 0, asked for before and after, with the reply at offset 1 of the same window.
 *
 * Counting rows, the middle one starts one row later and is the first but for a row at each end; counting pages, it shares
 * none. Null where the replies do not tell: few rows, nothing at offset 1, or an order that changes from reply to reply.
 */
export function offsetUnitSeen(atZero: Page, atOne: Page, atZeroAgain: Page): OffsetUnit | null {
  const zeroKeys = pageKeys(atZero);
  const oneKeys = pageKeys(atOne);
  const isSteady = sharedKeys(zeroKeys, pageKeys(atZeroAgain)) >= zeroKeys.size * 0.9;
  if (zeroKeys.size < tellingRows || oneKeys.size === 0 || !isSteady) {
    return null;
  }
  const shared = sharedKeys(zeroKeys, oneKeys);
  if (shared === 0) {
    return 'page';
  }
  return oneKeys.size >= zeroKeys.size - 2 && shared >= zeroKeys.size / 2 ? 'row' : null;
}

/**
 * Asks for offsets 0 and 1, until that has told once in a run, and never of a window narrowed to a status, whose rows come
 * and go.
 *
 * @param pass what was seen of the window: a few rows are not worth asking
 * @param isCounted its rows will have to be as many as a count that is believed; a wrong unit can then prove nothing
 * @param collected gets every row that the replies show
 * @returns false where the other unit was seen, and not a second time: what was read proves nothing
 * @throws ConfigError if what comes back, twice, shows the other unit
 */
export async function checkOffsetUnit(
  reader: Reader,
  window: Window,
  { pass, isCounted }: { readonly pass: Pass; readonly isCounted: boolean },
  collected: Collected,
): Promise<boolean> {
  const { traits, filter } = reader;
  const isWorthAsking = rowCount(pass.collected) >= tellingRows && (!isCounted || traits.offsetUnitDoubts < maxDoubts);
  if (traits.offsetUnitChecked || filter.runStatus !== undefined || !isWorthAsking) {
    return true;
  }
  const probe = async (offset: number): Promise<Page> => {
    const page = await fetchNonEmptyAt(reader, window, offset);
    addPage(collected, page);
    return page;
  };
  const look = async (): Promise<OffsetUnit | null> => offsetUnitSeen(await probe(0), await probe(1), await probe(0));
  const unit = await look();
  if (unit === null || unit === reader.offsetUnit) {
    traits.offsetUnitChecked = unit !== null;
    traits.offsetUnitDoubts += unit === null ? 1 : 0;
    return true;
  }
  if ((await look()) === unit) {
    throw offsetUnitError(unit, reader.offsetUnit, window);
  }
  return false;
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

function sharedKeys(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  return [...a].filter((key) => b.has(key)).length;
}

function pageKeys(page: Page): Set<string> {
  return new Set([...page.executions.map(executionKey), ...page.unreadable.map((row) => row.rawText)]);
}
