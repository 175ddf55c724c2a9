/** A count that is capped looks like a total until one looks beyond it. */
import { describe, expect, it } from 'vitest';
import type { Page } from '../../functions/model.ts';
import { emptyPass, type Pass, take } from '../../functions/reading/pass.ts';
import { addPass, noEvidence, provesItself, provesTogether } from '../../functions/reading/proof.ts';
import { noTraits } from '../../functions/reading/traits.ts';
import { readVerified } from '../../functions/reading/verified.ts';
import { epochMs, executions, keysOf, type PagedSourceTraps, pagedSource } from '../support/paged-source.ts';

const window = { fromMs: epochMs, toMs: epochMs + 1_000_000 };

async function readAll(rows: number, traps: Partial<PagedSourceTraps>): Promise<{ found: string[]; all: string[] }> {
  const source = pagedSource(executions(rows), traps);
  const outcome = await readVerified({ ...source.reader, inFlight: () => 1 }, window, Number.POSITIVE_INFINITY);
  if (outcome.kind !== 'complete') {
    throw new Error(`the window was found ${outcome.kind}`);
  }
  return {
    found: keysOf([...outcome.collected.seen.values()].map((seen) => seen.execution)),
    all: keysOf(source.rows),
  };
}

describe('a capped count', () => {
  it('is found out although pages stay empty just where rows beyond it would show', async () => {
    const emptyRequests = new Set([5, 6, 11, 12, 17, 18, 23, 24]);
    const { found, all } = await readAll(296, { count: { cappedAt: 250 }, pageCap: 50, emptyRequests });
    expect(found).toEqual(all);
  });

  it('hides no row that slips from page to page because another has left', async () => {
    let isStill = true;
    const { found, all } = await readAll(201, {
      count: { cappedAt: 200 },
      beforeRequest: (_n, self) => {
        if (isStill && self.asked.at(-1)?.offset === 100) {
          isStill = false;
          self.rows = self.rows.slice(1);
        }
      },
    });
    expect(isStill).toBe(false);
    expect(found).toEqual(expect.arrayContaining(all));
  });

  it('hides no row that slips from the first page to the second before the cap was looked for', async () => {
    const { found, all } = await readAll(201, {
      count: { cappedAt: 200 },
      beforeRequest: (n, self) => {
        self.rows = n === 2 ? self.rows.slice(1) : self.rows;
      },
    });
    expect(found).toEqual(expect.arrayContaining(all));
  });

  it('of one page is found out, though an earlier window showed that counts are totals', async () => {
    const source = pagedSource(executions(480), { count: { cappedAt: 50 }, pageCap: 50 });
    const small = { fromMs: epochMs, toMs: epochMs + 3_000 };
    await readVerified(source.reader, small, Number.POSITIVE_INFINITY);
    expect(source.reader.traits.countIsTotal).toBe(true);
    const outcome = await readVerified(source.reader, window, Number.POSITIVE_INFINITY);
    const seen = outcome.kind === 'complete' ? [...outcome.collected.seen.values()] : [];
    expect(keysOf(seen.map(({ execution }) => execution))).toEqual(keysOf(source.rows));
  });

  it('of one page hides no row that takes the place of the last one, where another has left', async () => {
    const { found, all } = await readAll(101, {
      count: { cappedAt: 100 },
      beforeRequest: (n, self) => {
        self.rows = n === 2 ? self.rows.slice(1) : self.rows;
      },
    });
    expect(found).toEqual(expect.arrayContaining(all));
  });

  it.each([
    ['ascending', (index: number) => (index < 63 ? 5_000 : 6_000 + index * 100)],
    ['descending', (index: number) => (index < 240 ? index * 100 : 90_000)],
  ] as const)(
    'that ends the list, too, is found out though all rows of the first page start at once (%s)',
    async (order, startOf) => {
      const source = pagedSource(executions(303, startOf), {
        order,
        count: { cappedAt: 250 },
        listCappedAt: 250,
        pageCap: 30,
      });
      const outcome = await readVerified(source.reader, window, Number.POSITIVE_INFINITY);
      const seen = outcome.kind === 'complete' ? [...outcome.collected.seen.values()] : [];
      expect(keysOf(seen.map(({ execution }) => execution))).toEqual(keysOf(source.rows));
    },
  );

  it('proves nothing by passes of which none came to the end', () => {
    const traits = { ...noTraits(), countIsTotal: true };
    const rows = executions(6);
    const passOver = (from: number, to: number, reachedEnd: boolean): Pass => {
      const pass = emptyPass();
      const page: Page = { count: 6, executions: rows.slice(from, to), unreadable: [], receivedAtMs: epochMs };
      take(pass, page);
      pass.reachedEnd = reachedEnd;
      return pass;
    };
    const evidence = noEvidence();
    addPass(traits, window, evidence, passOver(0, 4, false));
    const holed = passOver(2, 6, false);
    addPass(traits, window, evidence, holed);
    expect(provesTogether(traits, evidence, holed)).toBe(false);
    expect(provesItself(traits, passOver(0, 6, false))).toBe(false);
    const ended = passOver(2, 6, true);
    addPass(traits, window, evidence, ended);
    expect(provesTogether(traits, evidence, ended)).toBe(true);
  });
});
