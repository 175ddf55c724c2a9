import { beforeEach, describe, expect, it } from 'vitest';
import { ask } from './ask.ts';
import type { Fault, RowPlace } from './faults.ts';
import { frozenClock } from './movable-clock.ts';
import { type Simulator, startSimulator } from './server.ts';

const nowMs = 1_790_000_000_000;
let simulator: Simulator;

beforeEach(async () => {
  simulator = await startSimulator({ clock: frozenClock(nowMs) });
  for (let id = 1; id <= 9; id += 1) {
    simulator.life.addExecution({ id: BigInt(id), startTimeMs: nowMs - (10 - id) * 1_000 });
  }
  return () => simulator.close();
});

/** Returns the ids, joined to one text, and the count of the page at `offset`. */
async function page(offset: number, limit = 4): Promise<readonly [string, number | undefined]> {
  const { ids, count } = await ask(simulator, { limit, offset });
  return [ids.join(''), count];
}

describe('a repeated row', () => {
  it('is the first in place of the last by default, in the chosen request only', async () => {
    simulator.traps.faults = [{ kind: 'repeated-row', when: { nth: 2 } }];
    expect([await page(0), await page(4), await page(4)]).toEqual([
      ['9876', 9],
      ['5435', 9],
      ['5432', 9],
    ]);
  });

  it.each<[RowPlace, RowPlace, string]>([
    ['first', 'last', '98769'],
    ['first', 'inner', '98965'],
    ['first', 'first', '99765'],
    ['inner', 'first', '78765'],
    ['inner', 'inner', '97765'],
    ['inner', 'last', '98767'],
    ['last', 'first', '58765'],
    ['last', 'inner', '98565'],
    ['last', 'last', '98755'],
  ])('is the %s row in place of the %s one', async (row, inPlaceOf, ids) => {
    simulator.traps.faults = [{ kind: 'repeated-row', row, inPlaceOf, when: { nth: 1 } }];
    expect(await page(0, 5)).toEqual([ids, 9]);
  });

  it('needs a page of two rows or more', async () => {
    simulator.traps.faults = [{ kind: 'repeated-row', when: { first: 2 } }];
    expect([await page(8), await page(7)]).toEqual([
      ['1', 9],
      ['22', 9],
    ]);
  });

  it('leaves the hidden row unserved', async () => {
    simulator.traps.faults = [{ kind: 'repeated-row', row: 'last', inPlaceOf: 'inner', when: { nth: 1 } }];
    await page(0, 9);
    expect(simulator.truth().executions.filter(({ served }) => !served)).toMatchObject([{ id: 5n }]);
  });
});

describe('a row that is permanently listed twice', () => {
  it('is twice on one page or on two pages, is counted twice, and is one execution in the truth', async () => {
    simulator.life.addExecution({ id: 7n, startTimeMs: nowMs - 5_500, copies: 2 });
    expect([await page(0, 7), await page(0, 6), await page(6, 6)]).toEqual([
      ['9876577', 11],
      ['987657', 11],
      ['74321', 11],
    ]);
    expect(simulator.truth().executions.filter(({ startTimeMs }) => startTimeMs === nowMs - 5_500)).toHaveLength(1);
  });

  it('leaves with all copies when the instance is run again or removed', async () => {
    simulator.life.addExecution({ id: 10n, startTimeMs: nowMs - 500, copies: 3 });
    expect(await page(0, 5)).toEqual(['10101098', 12]);
    simulator.life.rerun(10n);
    expect(await page(0, 5)).toEqual(['109876', 10]);
    simulator.life.addExecution({ id: 11n, startTimeMs: nowMs - 9_500, copies: 2 });
    simulator.life.remove(11n);
    expect(await page(8, 5)).toEqual(['21', 10]);
    expect(simulator.truth().vanished.map(({ id }) => id)).toEqual([10n, 11n]);
  });
});

describe('an incomplete page', () => {
  it('is empty or short once, at an offset, with the usual count', async () => {
    simulator.traps.faults = [
      { kind: 'empty-page', when: { offset: 3 } },
      { kind: 'short-page', rows: 1, when: { offset: 6 } },
    ];
    const pages = [];
    for (const offset of [0, 3, 3, 6, 6]) {
      pages.push(await page(offset, 3));
    }
    expect(pages).toEqual([
      ['987', 9],
      ['', 9],
      ['654', 9],
      ['3', 9],
      ['321', 9],
    ]);
  });

  it.each<[Fault, string, number]>([
    [{ kind: 'short-page', rows: 2, count: 'true', when: { nth: 1 } }, '98', 9],
    [{ kind: 'short-page', rows: 2, count: 'shown', when: { nth: 1 } }, '98', 2],
    [{ kind: 'short-page', rows: 2, count: 0, when: { nth: 1 } }, '98', 0],
    [{ kind: 'short-page', rows: 2, count: { off: -1 }, when: { nth: 1 } }, '98', 8],
    [{ kind: 'empty-page', count: 'true', when: { nth: 1 } }, '', 9],
    [{ kind: 'empty-page', count: 'shown', when: { nth: 1 } }, '', 0],
    [{ kind: 'empty-page', count: { off: 2 }, when: { nth: 1 } }, '', 11],
    [{ kind: 'empty-page', count: { off: -20 }, when: { nth: 1 } }, '', 0],
  ])('has the count that the fault gives: %j', async (fault, ids, count) => {
    simulator.traps.faults = [fault];
    expect(await page(0)).toEqual([ids, count]);
    expect(await page(0)).toEqual(['9876', 9]);
  });

  it('counts its own rows if every page does, unless the fault gives a count', async () => {
    simulator.traps.count = 'page';
    simulator.traps.faults = [
      { kind: 'short-page', rows: 2, when: { nth: 1 } },
      { kind: 'short-page', rows: 2, count: { off: 0 }, when: { nth: 1 } },
    ];
    expect([await page(0), await page(0)]).toEqual([
      ['98', 2],
      ['9876', 4],
    ]);
  });
});
