/** Times as people type them. */
import { expect, it } from 'vitest';
import { isoTime } from '../functions/clock.ts';
import { parseTimeArgument } from '../functions/time-range.ts';

it.each([
  ['2026-01-01', 'UTC', '2026-01-01T00:00:00.000Z'],
  ['2026-01-01', 'Asia/Shanghai', '2025-12-31T16:00:00.000Z'],
  ['2026-01-01', 'America/Los_Angeles', '2026-01-01T08:00:00.000Z'],
  ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
  ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
  // Clocks went forward at midnight: the day began at 01:00.
  ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
  ['2026-01-01', 'Pacific/Kiritimati', '2025-12-31T10:00:00.000Z'],
  ['2026-01-01T08:30:00+08:00', 'UTC', '2026-01-01T00:30:00.000Z'],
  ['2026-01-01T08:30Z', 'Asia/Shanghai', '2026-01-01T08:30:00.000Z'],
])('%s in %s is %s', (text, timeZone, expected) => {
  expect(isoTime(parseTimeArgument(text, '--from', timeZone))).toBe(expected);
});

it.each(['', 'today', '2026-1-1', '2026-02-30', '2026-13-01', '2026-01-01T08:30:00', '1767225600000'])(
  '%j is refused with what is allowed',
  (text) => {
    expect(() => parseTimeArgument(text, '--from', 'UTC')).toThrow('--from');
  },
);
