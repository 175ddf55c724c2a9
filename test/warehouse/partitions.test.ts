import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareExecutions } from '../../functions/model.ts';
import { instanceTable } from '../../functions/warehouse/columns.ts';
import { partitionRows } from '../../functions/warehouse/partitions.ts';
import { anObservation, newYearMs } from '../support/builders.ts';

function daysOf(timeZone: string, ...instants: string[]): string[] {
  return instants.map((instant) => {
    const [partition] = partitionRows(instanceTable, [anObservation({ startTimeMs: Date.parse(instant) })], timeZone);
    return partition?.dt ?? '';
  });
}

describe('partitions', () => {
  it('follow the calendar of the time zone', () => {
    expect(daysOf('UTC', '2026-01-31T23:59:59.999Z', '2026-02-01T00:00:00Z')).toEqual(['2026-01-31', '2026-02-01']);
    expect(daysOf('Asia/Shanghai', '2026-01-31T15:59:59.999Z', '2026-01-31T16:00:00Z')).toEqual([
      '2026-01-31',
      '2026-02-01',
    ]);
    expect(daysOf('Asia/Kathmandu', '2026-01-31T18:14:59.999Z', '2026-01-31T18:15:00Z')).toEqual([
      '2026-01-31',
      '2026-02-01',
    ]);
  });

  it('follow daylight saving time, with days of 23 and 25 hours', () => {
    expect(daysOf('America/New_York', '2026-03-08T04:59:59.999Z', '2026-03-08T05:00:00Z')).toEqual([
      '2026-03-07',
      '2026-03-08',
    ]);
    expect(daysOf('America/New_York', '2026-03-09T03:59:59.999Z', '2026-03-09T04:00:00Z')).toEqual([
      '2026-03-08',
      '2026-03-09',
    ]);
    expect(daysOf('America/New_York', '2026-11-02T04:59:59.999Z', '2026-11-02T05:00:00Z')).toEqual([
      '2026-11-01',
      '2026-11-02',
    ]);
    // In Santiago the day of the change starts at 01:00, because midnight is skipped.
    expect(daysOf('America/Santiago', '2026-09-06T03:59:59.999Z', '2026-09-06T04:00:00Z')).toEqual([
      '2026-09-05',
      '2026-09-06',
    ]);
  });

  it.each(['Asia/Kathmandu', 'Asia/Kolkata', 'Australia/Eucla', 'America/St_Johns'])(
    'assign each minute to the right day in %s, whose midnight is not a full hour in UTC',
    (zone) => {
      const rows = Array.from({ length: 2 * 1440 }, (_, minute) =>
        anObservation({ id: BigInt(minute), startTimeMs: newYearMs + minute * 60_000 }),
      );
      const partitions = partitionRows(instanceTable, rows, zone);
      const days = partitions.flatMap(({ dt, rows: group }) => group.map(() => dt));
      const clocks = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' });
      expect(days).toEqual(rows.map(({ startTimeMs }) => clocks.format(startTimeMs)));
    },
  );

  it('are refused for an unknown time zone', () => {
    expect(() => partitionRows(instanceTable, [anObservation()], 'Mars/Olympus')).toThrow(RangeError);
  });

  it('keep the order of observations of one execution', () => {
    const rows = ['RUNNING', 'SUCCESS'].map((runStatus) => anObservation({ runStatus }));

    expect(partitionRows(instanceTable, rows, 'UTC')[0]?.rows).toEqual(rows);
  });

  it('contain every row once, in the right partition, sorted', () => {
    const row = fc.record({
      id: fc.bigInt({ min: 0n, max: 5n }),
      startTimeMs: fc.integer({ min: 1_767_200_000_000, max: 1_767_500_000_000 }),
      workspace: fc.constantFrom('b', 'a', 'c'),
    });
    fc.assert(
      fc.property(
        fc.array(row.map(anObservation)),
        fc.constantFrom('UTC', 'Asia/Shanghai', 'America/St_Johns'),
        (rows, zone) => {
          const partitions = partitionRows(instanceTable, rows, zone);

          expect(new Set(partitions.flatMap((partition) => partition.rows))).toEqual(new Set(rows));
          expect(partitions.flatMap((partition) => partition.rows)).toHaveLength(rows.length);
          const names = partitions.map(({ workspace, dt }) => `${workspace} ${dt}`);
          expect(names).toEqual([...new Set(names)].sort());
          for (const { workspace, dt, rows: group } of partitions) {
            expect(group).toEqual(group.toSorted(compareExecutions));
            for (const { workspace: rowWorkspace, startTimeMs } of group) {
              const day = new Date(startTimeMs).toLocaleDateString('sv-SE', { timeZone: zone });
              expect([rowWorkspace, day]).toEqual([workspace, dt]);
            }
          }
        },
      ),
    );
  });
});
