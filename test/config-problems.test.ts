/** Messages about a wrong config: each has the line, the key, the allowed values, and the probable intention. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../functions/config.ts';
import { configFromText } from '../functions/config-text.ts';

const good = {
  warehouse: 'file:./warehouse',
  source: { endpoint: 'https://dayu.ap-southeast-3.myhuaweicloud.com' },
  targets: [{ name: 'sales', projectId: 'p', workspace: 'w', credentials: 'file:./secret.json' }],
  initialFrom: '2026-01-01T00:00:00Z',
};

/** Returns the problems of a config that is written with one key per line. */
function said(change: Record<string, unknown>): string {
  const text = JSON.stringify({ ...good, ...change }, null, 1);
  try {
    const { value, lineOf } = configFromText(text, 'dqsync.json');
    parseConfig(value, 'dqsync.json', lineOf);
    return 'nothing';
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message.replace('dqsync.json is not a valid configuration: ', '') : '';
  }
}

describe('a wrong config', () => {
  const [target] = good.targets;
  it.each<[Record<string, unknown>, string]>([
    [{ warehous: 'x' }, 'line 15: unknown key "warehous" (did you mean "warehouse"?)'],
    [{ xyz: 1 }, 'line 15: unknown key "xyz"'],
    [{ source: { endpont: good.source.endpoint } }, 'line 4: unknown key "source.endpont" (did you mean "endpoint"?)'],
    [
      { targets: [{ ...target, filter: { tasktype: 'QUALITY_TASK' } }] },
      'line 13: unknown key "targets[0].filter.tasktype" (did you mean "taskType"?)',
    ],
    [
      { targets: [{ ...target, filter: { taskType: 'QUALITY_TSK' } }] },
      'line 13: "targets[0].filter.taskType": must be one of "QUALITY_TASK", "CONSISTENCY_TASK", not "QUALITY_TSK" (did you mean "QUALITY_TASK"?)',
    ],
    [{ targets: undefined }, '"targets" is missing; it must be a list'],
    [{ targets: [] }, 'line 6: "targets": must have at least 1 entry'],
    [
      { targets: [{ ...target, workspace: undefined }] },
      'line 7: "targets[0].workspace" is missing; it must be a string',
    ],
    [{ targets: {} }, 'line 6: "targets": must be a list, not an object'],
    [{ settleSeconds: '60' }, 'line 15: "settleSeconds": must be a number, not a string'],
    [{ settleSeconds: null }, 'line 15: "settleSeconds": must be a number, not null'],
    [{ audit: { days: 1.5 } }, 'line 16: "audit.days": must be a whole number, not 1.5'],
    [{ lookbackMinutes: -1 }, 'line 15: "lookbackMinutes": must be at least 0, not -1'],
    [{ maxOpenDays: 400 }, 'line 15: "maxOpenDays": must be at most 365, not 400'],
    [{ maxOpenDays: 0 }, 'line 15: "maxOpenDays": must be more than 0, not 0'],
    [
      { initialFrom: 'yesterday' },
      'line 14: "initialFrom": must be an ISO 8601 instant with a zone, for example "2026-01-01T00:00:00Z", not "yesterday"',
    ],
  ])('a wrong config with %j is reported as: %s', (change, expected) => {
    expect(said(change)).toBe(expected);
  });

  it.each([[[]], ['x'], [null], [7]])('a wrong config that is %j is reported as not an object', (value) => {
    expect(() => parseConfig(value, 'it')).toThrow(
      /the document: must be an object, not (a list|a string|null|a number)/,
    );
  });
});
