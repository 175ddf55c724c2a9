/** Formats numbers, times and texts for people. */

import { describe, expect, it, onTestFinished } from 'vitest';
import {
  argumentAt,
  bytes,
  count,
  counted,
  daysAsArguments,
  paragraph,
  printable,
  shortTime,
  showTimesIn,
} from '../../../functions/cli/terminal/formats.ts';
import { duration, roundedDuration } from '../../../functions/clock.ts';
import { parseTimeArgument } from '../../../functions/time-range.ts';

describe('formats', () => {
  it('format counts with separators and plurals', () => {
    expect([0, 999, 1000, 1_234_567, -123, -123_456].map(count)).toEqual([
      '0',
      '999',
      '1,000',
      '1,234,567',
      '-123',
      '-123,456',
    ]);
    expect(count(9_007_199_251_000_000_001n)).toBe('9,007,199,251,000,000,001');
    expect([counted(0, 'row'), counted(1, 'row'), counted(2, 'entry', 'entries')]).toEqual([
      '0 rows',
      '1 row',
      '2 entries',
    ]);
  });

  it.each([
    [0, '0 seconds'],
    [-5, '0 seconds'],
    [1_999, '1 second'],
    [60_000, '1 minute'],
    [7_200_000, '2 hours'],
    [259_200_000, '3 days'],
  ])('show %i ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it.each([
    [10_799_000, '3 hours'],
    [3_599_000, '1 hour'],
    [5_300_000, '1 hour'],
    [599_600, '10 minutes'],
    [2_400, '2 seconds'],
  ])('show %i ms, rounded, as %s', (ms, text) => {
    expect(roundedDuration(ms)).toBe(text);
  });

  it.each([
    [999, '999 B'],
    [1_500, '1.5 kB'],
    [2_340_000, '2.3 MB'],
    [7_000_000_000, '7.0 GB'],
  ])('show %i bytes as %s', (value, text) => {
    expect(bytes(value)).toBe(text);
  });

  it('remove fractions of a second only from instants', () => {
    expect(shortTime('2026-01-01T00:00:00.123Z')).toBe('2026-01-01T00:00:00Z');
    expect(shortTime('v1.25Z')).toBe('v1.25Z');
  });

  it('show the instants of a message in the time zone of the config, with milliseconds if there are any', () => {
    showTimesIn('Asia/Shanghai');
    onTestFinished(() => showTimesIn('UTC'));
    expect(paragraph('from 2026-11-28T11:04:07.644Z to 2026-11-28T23:00:00.000Z, see 2026-11-28T23:00:00Z.')).toBe(
      'from 2026-11-28T19:04:07.644+08:00 to 2026-11-29T07:00:00+08:00, see 2026-11-29T07:00:00+08:00.',
    );
    expect(paragraph('2026-13-28T11:04:07Z and 2026-11-28 stay')).toBe('2026-13-28T11:04:07Z and 2026-11-28 stay');
  });

  it.each([
    ['UTC', '2026-11-28T00:00:00Z', '2026-11-28'],
    ['UTC', '2026-11-28T00:00:00.001Z', '2026-11-28T00:00:00.001Z'],
    ['Asia/Shanghai', '2026-11-27T16:00:00Z', '2026-11-28'],
    ['Asia/Shanghai', '2026-11-28T00:00:00.250Z', '2026-11-28T08:00:00.250+08:00'],
    // Clocks go from 00:00 to 01:00, so the day begins at 01:00.
    ['Africa/Cairo', '2026-04-23T22:00:00Z', '2026-04-24'],
    ['Europe/Berlin', '2026-10-25T01:00:00Z', '2026-10-25T02:00:00+01:00'],
  ])('show an instant in %s as the argument of a command that means the same', (zone, iso, argument) => {
    showTimesIn(zone);
    onTestFinished(() => showTimesIn('UTC'));
    const ms = Date.parse(iso);
    expect(argumentAt(ms)).toBe(argument);
    expect(parseTimeArgument(argument, '--from', zone)).toBe(ms);
  });

  it('show the days around two instants as a range, also on days of 25 hours', () => {
    showTimesIn('Europe/Berlin');
    onTestFinished(() => showTimesIn('UTC'));
    const [first, last] = [Date.parse('2026-10-24T22:30:00Z'), Date.parse('2026-10-25T22:30:00Z')];
    expect(daysAsArguments(first, last)).toBe('--from 2026-10-25 --to 2026-10-26');
  });

  it('escape characters that would move the cursor or change the direction of text', () => {
    expect(printable('a\u001b[2Jb\u202ec\r')).toBe('a\\u001b[2Jb\\u202ec\\u000d');
    expect(printable('订单 𠮷 🧾')).toBe('订单 𠮷 🧾');
    expect(paragraph(' one\n  two\tthree ')).toBe('one two three');
  });
});
