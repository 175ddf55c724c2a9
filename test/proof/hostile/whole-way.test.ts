/**
 * Hostile rows on the whole way from the source through a run to the table, which other code than the product's reads.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseExactJson, writeExactJson } from '../../../functions/source/exact-json.ts';
import { connect, errorOf, startLoopback } from '../../source/loopback.ts';
import { rowText } from '../../source/page-texts.ts';
import { dayMs, hourMs, syncedSource } from '../../support/synced-source.ts';
import { hostileJson, hostileNumber } from './hostile-texts.ts';

const row = fc.record(
  {
    id: fc.oneof(
      { weight: 4, arbitrary: fc.stringMatching(/^-?[1-9][0-9]{0,24}$/) },
      { weight: 1, arbitrary: hostileJson },
    ),
    start_time: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1_780_000_000_000, max: 1_780_300_000_000 }).map(String) },
      { weight: 1, arbitrary: hostileNumber },
    ),
    end_time: fc.oneof(fc.constant('null'), hostileNumber),
    name: hostileJson,
    task_id: hostileNumber,
    run_status: hostileJson,
    more: hostileJson,
  },
  { requiredKeys: ['id', 'start_time'] },
);

/** Pages of only such rows take the fast path of the parser. */
const plainRow = fc.record({
  id: fc.stringMatching(/^-?[1-9][0-9]{16,17}$/),
  start_time: fc.integer({ min: 1_780_000_000_000, max: 1_780_300_000_000 }).map(String),
});

/** Start times and ids are unique: a row that is listed twice could not be distinguished from a missing one. */
const severalOf = <T extends { id: string; start_time: string }>(arbitrary: fc.Arbitrary<T>) =>
  fc.uniqueArray(arbitrary, { minLength: 30, maxLength: 60, selector: (one) => `${one.id}@${one.start_time}` });

const rows = fc.oneof({ weight: 2, arbitrary: severalOf(row) }, { weight: 1, arbitrary: severalOf(plainRow) });

/** The last start whose day has a year of four digits in every time zone: 9999-12-30T23:59:59.999Z. */
const lastStartMs = 253_402_214_399_999;

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/**
 * Returns what the table must show of a row's text, as far as these fields go; null if the row belongs into quarantine.
 */
function expectedOf(text: string): { id: string; start_time: string; name: string | null } | null {
  const idText = /"id": (-?\d+)(?=[,}])/.exec(text)?.[1];
  const { start_time: startTime, name } = JSON.parse(text);
  const idFits = idText !== undefined && BigInt(idText) >= int64.min && BigInt(idText) <= int64.max;
  const isTime = Number.isSafeInteger(startTime) && startTime >= 978_307_200_000 && startTime <= lastStartMs;
  return idFits && isTime
    ? {
        id: String(BigInt(idText)),
        start_time: String(startTime),
        name: typeof name === 'string' ? name.toWellFormed() : null,
      }
    : null;
}

it('a body of 100 MB is not read to its end', async () => {
  const server = await startLoopback(() => ({ body: Buffer.alloc(100_000_000, 0x20) }));
  const request = { startTimeMs: 1e12, endTimeMs: 2e12, filter: {}, limit: 100, offset: 0 };
  const error = await errorOf(connect(server.url).fetchPage(request));
  expect(error).toMatchObject({ kind: 'source', code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE', retryable: false });
});

it.each(['Pacific/Kiritimati', 'UTC', 'Pacific/Pago_Pago'])(
  'every row of the end of the year 9999 is in the table or in quarantine, with days of %s',
  async (partitionTimeZone) => {
    const world = await syncedSource({}, { partitionTimeZone });
    const starts = [lastStartMs, lastStartMs + 1, lastStartMs + dayMs];
    for (const [index, startMs] of starts.entries()) {
      const text = `{"id":${index + 1},"start_time":${startMs},"end_time":${startMs}}`;
      world.sim.life.addUnreadable({ text }, { startTimeMs: world.clock.now() - hourMs });
    }
    expect((await world.syncWell()).quarantined).toBe(2);
    expect(await world.view()).toMatchObject([
      { start_time: String(lastStartMs), end_time: String(lastStartMs), dt: expect.stringMatching(/^9999-12-3[01]$/) },
    ]);
  },
);

it('every hostile row is in the table, exact to the last digit, or in quarantine', async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (given) => {
      const world = await syncedSource();
      const texts = [...new Set(given.map((one) => rowText(one)))];
      for (const text of texts) {
        world.sim.life.addUnreadable({ text }, { startTimeMs: world.clock.now() - hourMs });
      }
      const summary = await world.syncWell();
      const good = texts.flatMap((text) => expectedOf(text) ?? []);
      const keys = new Set(good.map((one) => `${one.id}@${one.start_time}`));
      const shown = good.length === 0 ? [] : await world.view();
      expect(new Set(shown.map((one) => `${one['id']}@${one['start_time']}`))).toEqual(keys);
      for (const one of shown) {
        const names = good.filter((other) => other.id === one['id'] && other.start_time === String(one['start_time']));
        expect(names.map(({ name }) => name)).toContain(one['name']);
      }
      const quarantined: string[] = [];
      for await (const { key } of world.store.list('quarantine/')) {
        const lines = new TextDecoder()
          .decode((await world.store.get(key))!.bytes)
          .trim()
          .split('\n');
        quarantined.push(...lines.map((line) => JSON.parse(line).row));
      }
      const refused = texts.filter((text) => expectedOf(text) === null);
      const exact = new Set(refused.map((text) => writeExactJson(parseExactJson(text))));
      expect(quarantined.sort()).toEqual([...exact].sort());
      expect(summary.quarantined).toBe(quarantined.length);
    }),
    { seed: 20_261_124, numRuns: 10 },
  );
});
