import { expect, it } from 'vitest';
import { sortedRows } from '../../functions/compaction/sorted-rows.ts';
import { seededRandom } from '../simulator/random.ts';

it.each<[string, readonly number[]]>([
  ['none', []],
  ['one', [7]],
  ['in order', [1, 2, 2, 3]],
  ['in reverse order', [5, 4, 3, 2, 1]],
  ['three runs', [1, 4, 9, 2, 4, 6, 0, 5]],
  [
    'many runs, with equal ones',
    Array.from(
      { length: 5_000 },
      (
        (random) => () =>
          random.between(0, 99)
      )(seededRandom(1, 1)),
    ),
  ],
])('sorts rows by their values, equal ones in order of their numbers: %s', (_, values) => {
  const at = (row: number): number => values[row] ?? Number.NaN;

  const rows = sortedRows(values.length, (a, b) => at(a) - at(b));

  expect([...rows]).toEqual(values.map((_value, row) => row).sort((a, b) => at(a) - at(b) || a - b));
});
