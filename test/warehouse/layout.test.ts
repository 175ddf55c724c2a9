import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assertSafeKey,
  auditKey,
  checkpointKey,
  dataKey,
  isHidden,
  outcomesKey,
  parseDataKey,
  partitionPrefix,
  probeKey,
  quarantineKey,
  reportKey,
  resultsKey,
  runsKey,
  tableName,
  tasksKey,
  timeZoneKey,
} from '../../functions/warehouse/layout.ts';

const name = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,30}$/);
const day = fc
  .date({ min: new Date('2001-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

describe('layout', () => {
  it('builds the keys of the protocol', () => {
    expect(dataKey({ workspace: '9f2e', dt: '2026-01-31', runId: '20260131T000000Z-9f86d081', part: 3 })).toBe(
      'quality_instance_observations/workspace=9f2e/dt=2026-01-31/20260131T000000Z-9f86d081-3.parquet',
    );
    expect(quarantineKey('sales', '2026-01-31', 'run')).toBe('quarantine/sales/2026-01-31/run.jsonl');
    expect(checkpointKey('sales')).toBe('state/sales/checkpoint.json');
    expect(isHidden(probeKey)).toBe(true);
    expect(isHidden(timeZoneKey('9f2e'))).toBe(true);
    expect(tasksKey({ workspace: '9f2e', projectId: '0b1c' })).toBe('state/.tasks/9f2e/0b1c.json');
  });

  it.each(['functions/warehouse/README.md', 'functions/checkpoint/PROTOCOL.md'])(
    'is documented in %s, document by document',
    (file) => {
      const text = readFileSync(file, 'utf8');
      for (const keyOf of [checkpointKey, outcomesKey, auditKey, resultsKey, runsKey]) {
        expect(text).toContain(keyOf('TARGET').replace('TARGET', '<target>'));
      }
      expect(text).toContain(timeZoneKey('WORKSPACE').replace('WORKSPACE', '<workspace>'));
      expect(text).toContain('state/.tasks/<workspace>/<project>.json');
      expect(text).toContain(probeKey);
      expect(text).toContain(reportKey);
    },
  );

  it('parses every data key that it builds into the parts of its partition and its name', () => {
    fc.assert(
      fc.property(name, day, name, fc.nat(), (workspace, dt, runId, part) => {
        const prefix = partitionPrefix({ table: tableName, workspace, dt });
        expect(parseDataKey(dataKey({ workspace, dt, runId, part }))).toEqual({
          ...{ table: tableName, workspace, dt, prefix },
          name: `${runId}-${part}.parquet`,
        });
      }),
    );
  });

  it('builds only safe keys for any input', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (a, b, c) => {
        for (const build of [
          () => dataKey({ workspace: a, dt: b, runId: c, part: 0 }),
          () => quarantineKey(a, b, c),
          () => checkpointKey(a),
          () => timeZoneKey(a),
          () => tasksKey({ workspace: a, projectId: b }),
        ]) {
          let key: string;
          try {
            key = build();
          } catch (error) {
            expect(error).toMatchObject({ kind: 'internal' });
            continue;
          }
          expect(() => assertSafeKey(key)).not.toThrow();
          expect(key).toMatch(/^(quality_instance_observations|quarantine|state)\/[^/]+\/[^/]+(\/[^/]+)?$/);
        }
      }),
    );
  });

  it.each(['..', '.', '', '.hidden', 'a/b', 'a\\b', 'a b', 'a\nb', 'ä', 'a=b'])('refuses the name %j', (unsafe) => {
    expect(() => checkpointKey(unsafe)).toThrow(/cannot be part of an object key/);
    expect(() => dataKey({ workspace: unsafe, dt: '2026-01-01', runId: 'r', part: 0 })).toThrow();
    expect(() => dataKey({ workspace: 'w', dt: '2026-01-01', runId: unsafe, part: 0 })).toThrow();
  });

  it.each(['2026-1-1', '2026-01-01T00', '', '../2026'])('refuses the day %j', (dt) => {
    expect(() => dataKey({ workspace: 'w', dt, runId: 'r', part: 0 })).toThrow(/YYYY-MM-DD/);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses the part %d', (part) => {
    expect(() => dataKey({ workspace: 'w', dt: '2026-01-01', runId: 'r', part })).toThrow(/an integer from 0/);
  });

  it.each([
    'state/sales/checkpoint.json',
    'quality_instance_observations/workspace=w/dt=2026-01-01/r.parquet',
    'quality_instance_observations/workspace=w/dt=2026-01-01/r-01.parquet',
    'quality_instance_observations/workspace=w/r-0.parquet',
    'x/quality_instance_observations/workspace=w/dt=2026-01-01/r-0.parquet',
    'quality_instance_observations/workspace=w/dt=2026-01-01/x/r-0.parquet',
  ])('does not treat %s as a data file', (key) => {
    expect(parseDataKey(key)).toBeNull();
  });
});
