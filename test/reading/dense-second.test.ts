import { describe, expect, it } from 'vitest';
import { IncompleteReadError } from '../../functions/errors.ts';
import {
  anExecution,
  epochMs,
  executions,
  keysOf,
  type PagedSourceTraps,
  pagedSource,
  readKeys,
} from '../support/paged-source.ts';

const second = { fromMs: epochMs + 4_500, toMs: epochMs + 5_500 };
const elsewhere = anExecution({ id: 1n, startTimeMs: epochMs - 3_600_000 });

/** Returns `count` rows of one second, and one row elsewhere unless `isAlone`. */
function denseSource(count: number, traps: Partial<PagedSourceTraps> = {}, isAlone = false) {
  const rows = executions(count, () => 5_000);
  return { rows, source: pagedSource(isAlone ? rows : [elsewhere, ...rows], traps) };
}

describe('a dense second', () => {
  it.each([99, 100, 101, 200, 201, 250])(
    'a dense second of %i rows in stable order is read in one scan',
    async (count) => {
      const { rows, source } = denseSource(count);
      expect(await readKeys(source, second)).toEqual(keysOf(rows));
      expect(source.requests).toBeLessThanOrEqual(2 + Math.ceil(count / 100));
    },
  );

  it.each([100, 101, 199, 200, 250])('a dense second of %i rows is read without counts', async (count) => {
    const { rows, source } = denseSource(count, { count: 'none' });
    // The source has a list that continues after the position where the second ends.
    source.rows = [
      ...source.rows,
      ...executions(300, (index) => 7_200_000 + index * 1000).map((row) => ({ ...row, id: row.id + 1000n })),
    ];
    expect(await readKeys(source, second)).toEqual(keysOf(rows));
  });

  it.each<[number, Partial<PagedSourceTraps>]>([
    [150, {}],
    [199, { count: 'none' }],
    [200, { count: 'page' }],
    [250, {}],
    [250, { count: 'none' }],
    [250, { shuffleTies: true }],
  ])('a dense second of %i rows is read if offsets count pages', async (count, traps) => {
    const { rows, source } = denseSource(count, { ...traps, offsetUnit: 'page' });
    source.rows = [
      ...source.rows,
      ...executions(300, (index) => 7_200_000 + index * 1000).map((row) => ({ ...row, id: row.id + 1000n })),
    ];
    expect(await readKeys(source, second)).toEqual(keysOf(rows));
  });

  it.each([1, 2, 30, 100, 250])('a dense second of %i rows is read if the source has no other rows', async (count) => {
    for (const traps of [{}, { count: 'none' as const }]) {
      const { rows, source } = denseSource(count, traps, true);
      expect(await readKeys(source)).toEqual(keysOf(rows));
    }
  });

  it('is read in any order while rows leave', async () => {
    const { rows, source } = denseSource(250, {
      shuffleTies: true,
      beforeRequest: (n, self) => {
        self.rows = n % 5 === 0 && n < 30 ? self.rows.filter((row) => row !== self.rows[7]) : self.rows;
      },
    });
    const found = await readKeys(source, second);
    const left = source.rows.filter((row) => row !== elsewhere);
    expect(left.length).toBeLessThan(rows.length);
    expect(found).toEqual(expect.arrayContaining(keysOf(left)));
  });

  it.each(['total', 'none'] as const)('is refused if every list ends early (count: %s)', async (count) => {
    const { source } = denseSource(250, { count, listCappedAt: 150 });
    await expect(readKeys(source, second)).rejects.toBeInstanceOf(IncompleteReadError);
  });

  it('is refused if the source ignores offsets', async () => {
    const { source } = denseSource(250);
    const { fetchPage } = source.source;
    const ignoring = {
      ...source,
      source: {
        ...source.source,
        fetchPage: (request: Parameters<typeof fetchPage>[0]) => fetchPage({ ...request, offset: 0 }),
      },
    };
    await expect(readKeys(ignoring, second)).rejects.toBeInstanceOf(IncompleteReadError);
    expect(source.requests).toBeLessThan(200);
  });
});
