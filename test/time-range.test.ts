/** Parses times that people type. */
import { expect, it } from 'vitest';
import { isoTime, timeInZone } from '../functions/clock.ts';
import { parseTimeArgument } from '../functions/time-range.ts';

it.each([
  ['2026-01-01', 'UTC', '2026-01-01T00:00:00.000Z'],
  ['2026-01-01', 'Asia/Shanghai', '2025-12-31T16:00:00.000Z'],
  ['2026-01-01', 'America/Los_Angeles', '2026-01-01T08:00:00.000Z'],
  ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
  ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
  // Clocks changed at midnight, so the day began at 01:00.
  ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
  ['2026-01-01', 'Pacific/Kiritimati', '2025-12-31T10:00:00.000Z'],
  ['2026-01-01T08:30:00+08:00', 'UTC', '2026-01-01T00:30:00.000Z'],
  ['2026-01-01T08:30Z', 'Asia/Shanghai', '2026-01-01T08:30:00.000Z'],
  // Without a zone, as tables show times.
  ['2026-11-28 01:02', 'UTC', '2026-11-28T01:02:00.000Z'],
  ['2026-11-28 01:02', 'Asia/Shanghai', '2026-11-27T17:02:00.000Z'],
  ['2026-11-28T01:02:03', 'Asia/Shanghai', '2026-11-27T17:02:03.000Z'],
  ['2026-11-28T01:02:03.456', 'America/St_Johns', '2026-11-28T04:32:03.456Z'],
  ['2026-11-28 23:59:59', 'Pacific/Kiritimati', '2026-11-28T09:59:59.000Z'],
  // The hours around a change of the clocks exist once.
  ['2026-03-29 01:59:59', 'Europe/Berlin', '2026-03-29T00:59:59.000Z'],
  ['2026-03-29 03:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
  ['2026-10-25 01:59', 'Europe/Berlin', '2026-10-24T23:59:00.000Z'],
  ['2026-10-25 03:00', 'Europe/Berlin', '2026-10-25T02:00:00.000Z'],
  ['2018-11-04 01:00', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
  // Tables add the offset to times that differ from the others.
  ['2026-10-25 02:30:05+02', 'Europe/Berlin', '2026-10-25T00:30:05.000Z'],
  ['2026-10-25 02:30:05+01:00', 'UTC', '2026-10-25T01:30:05.000Z'],
])('%s in %s is %s', (text, timeZone, expected) => {
  expect(isoTime(parseTimeArgument(text, '--from', timeZone))).toBe(expected);
});

it.each([
  ['now', '2026-11-28T20:00:00.000Z'],
  ['30m', '2026-11-28T19:30:00.000Z'],
  ['12h', '2026-11-28T08:00:00.000Z'],
  ['7d', '2026-11-21T20:00:00.000Z'],
  // It is the 29th in Shanghai already.
  ['today', '2026-11-28T16:00:00.000Z'],
  ['yesterday', '2026-11-27T16:00:00.000Z'],
])('%s is relative to now, with days in the time zone of the config', (text, expected) => {
  const nowMs = Date.parse('2026-11-28T20:00:00Z');
  expect(isoTime(parseTimeArgument(text, '--from', 'Asia/Shanghai', nowMs))).toBe(expected);
});

it.each([
  [
    '2026-10-25 02:30',
    'Europe/Berlin',
    'exists twice in Europe/Berlin',
    ['2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00'],
  ],
  [
    '2026-11-01T01:00:00',
    'America/New_York',
    'exists twice in America/New_York',
    ['2026-11-01T01:00:00-04:00', '2026-11-01T01:00:00-05:00'],
  ],
  [
    '2026-03-29T02:30:01.250',
    'Europe/Berlin',
    'does not exist in Europe/Berlin',
    ['2026-03-29T01:30:01+01:00', '2026-03-29T03:30:01+02:00'],
  ],
  [
    '2018-11-04 00:00',
    'America/Sao_Paulo',
    'does not exist in America/Sao_Paulo',
    ['2018-11-03T23:00:00-03:00', '2018-11-04T01:00:00-02:00'],
  ],
  // Lord Howe changes its clocks by half an hour, and Samoa left out a whole day.
  [
    '2026-04-05 01:45',
    'Australia/Lord_Howe',
    'exists twice in Australia/Lord_Howe',
    ['2026-04-05T01:45:00+11:00', '2026-04-05T01:45:00+10:30'],
  ],
  [
    '2011-12-30 12:00',
    'Pacific/Apia',
    'does not exist in Pacific/Apia',
    ['2011-12-29T12:00:00-10:00', '2011-12-31T12:00:00+14:00'],
  ],
])('%s in %s is refused: it %s, and both instants are named', (text, timeZone, problem, instants) => {
  const refused = (): number => parseTimeArgument(text, '--from', timeZone);
  expect(refused).toThrow(`--from "${text}" ${problem}, because the clocks change`);
  expect(refused).toThrow(
    expect.objectContaining({ remedy: `Give the instant that you mean: ${instants.join(' or ')}.` }),
  );
});

it.each([
  ['UTC', 0, '1970-01-01T00:00:00Z'],
  ['Asia/Shanghai', 1_732_800_000_999, '2024-11-28T21:20:00+08:00'],
  ['Asia/Kolkata', 0, '1970-01-01T05:30:00+05:30'],
  ['America/St_Johns', 1_732_800_000_000, '2024-11-28T09:50:00-03:30'],
])('shows a time in %s with its offset', (timeZone, ms, expected) => {
  expect(timeInZone(timeZone)(ms)).toBe(expected);
});

it.each([
  '',
  'tomorrow',
  '7',
  '7w',
  '-7d',
  'NOW',
  '2026-1-1',
  '2026-02-30',
  '2026-02-30T00:00:00Z',
  '2026-13-01',
  '2026-02-30 08:30',
  '2026-01-01 25:00',
  '2026-01-01 08:60',
  '2026-01-01 8:30',
  '2026-01-01  08:30',
  '2026-01-01 08',
  '2026-01-01 08:30+25',
  '2026-01-01 08:30 UTC',
  '1767225600000',
])('%j is refused with what is allowed', (text) => {
  const refused = (): number => parseTimeArgument(text, '--from', 'Asia/Shanghai');
  expect(refused).toThrow(`--from "${text}" is not a time`);
  expect(refused).toThrow(expect.objectContaining({ remedy: expect.stringContaining('"2026-01-31 08:00"') }));
});
