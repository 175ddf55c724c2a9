import { describe, expect, it } from 'vitest';
import { describeEstimate, hiddenDaysWarning } from '../../../functions/cli/backfill/backfill-report.ts';
import { parseConfig } from '../../../functions/config.ts';
import { simTarget } from '../../support/sim-config.ts';

describe('the estimate of a backfill', () => {
  it.each([
    [[1], 'would read <1> to <2>, the missing part of <1> to <9>:\n'],
    [[1, 3], 'would read 2 windows of <1> to <9>:\n  <1> to <2>\n  <3> to <4>\n'],
  ])('names each window once: %j', (starts, expected) => {
    const at = (day: number): string => `2026-01-0${day}T00:00:00Z`;
    const windows = starts.map((day) => ({ from: at(day), to: at(day + 1) }));
    const cost = { rows: 7, isCounted: true, requests: 1, seconds: 1, bytes: 84, requestsUsed: 1 };
    const source = { endpoint: 'https://dayu.example.com' };
    const config = parseConfig({ source, targets: [simTarget('env:SECRET')], initialFrom: at(1) }, 'config');
    const text = describeEstimate({ target: 'sales', from: at(1), to: at(9), windows, ...cost }, config);
    const shown = expected.replace(/<(\d)>/g, (_, day) => at(Number(day)));
    expect(text).toBe(`sales  ${shown}  7 rows, 1 request, 1 second at 75 % of the quota, 84 B of Parquet`);
  });
});

describe('the warning of a deployed backfill', () => {
  it.each(['2025-12-31', '2025-12-31T00:00:00Z', '2025-06-01T12:00:00+08:00'])(
    'names the key to change: %s',
    (from) => {
      const warning = hiddenDaysWarning(from, '2026-01-01');
      expect(warning).toContain('Athena shows no day before 2026-01-01');
      expect(warning).toContain(`set deployment.firstDay to "${from.slice(0, 10)}"`);
    },
  );

  it.each([
    ['2026-01-01', '2026-01-01'],
    ['2026-02-01T00:00:00Z', '2026-01-01'],
    ['7d', '2026-01-01'],
    [undefined, '2026-01-01'],
    ['2020-01-01', undefined],
  ])('is omitted for a backfill from %s if Athena begins with %s', (from, firstDay) => {
    expect(hiddenDaysWarning(from, firstDay)).toBeNull();
  });
});
