import { describe, expect, it } from 'vitest';
import { hiddenDaysWarning } from '../../../functions/cli/backfill/backfill-report.ts';

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
