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
  '2026-01-01T08:30:00',
  '1767225600000',
])('%j is refused with what is allowed', (text) => {
  expect(() => parseTimeArgument(text, '--from', 'UTC')).toThrow('--from');
});
