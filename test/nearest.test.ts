import { expect, it } from 'vitest';
import { nearest } from '../functions/nearest.ts';

const commands = ['sync', 'backfill', 'verify', 'rewind', 'status', 'runs', 'quarantine', 'list', 'query'];

it.each([
  ['stauts', 'status'],
  ['bakfil', 'backfill'],
  ['SYNC', 'sync'],
  ['snyc', 'sync'],
  ['lst', 'list'],
  ['quarantaine', 'quarantine'],
  ['run', 'runs'],
  ['nope', null],
  ['', null],
  ['x', null],
])('the nearest name of %j is %j', (typed, expected) => {
  expect(nearest(typed, commands)).toBe(expected);
});
