import { expect, it } from 'vitest';
import { fingerprintOf } from '../../functions/checkpoint/fingerprint.ts';
import { anExecution } from '../support/paged-source.ts';

const nowMs = 1_760_000_000_000;

it('fingerprints differ if text moves to another field, or is empty instead of missing', () => {
  const base = anExecution({ id: 1n, startTimeMs: nowMs });
  const alike = [
    { ...base, name: 'a', taskId: 1n },
    { ...base, name: 'a1', taskId: null },
    { ...base, taskType: 'ab', runStatus: 'c' },
    { ...base, taskType: 'a', runStatus: 'bc' },
    { ...base, notifyStatus: null },
    { ...base, notifyStatus: '' },
    { ...base, name: null },
    { ...base, name: '' },
  ].map(fingerprintOf);
  expect(new Set(alike).size).toBe(alike.length);
});

it('fingerprints change with every field of the source', () => {
  const base = anExecution({ id: 1n, startTimeMs: nowMs });
  const changed = [
    base,
    { ...base, name: 'x' },
    { ...base, taskId: 2n },
    { ...base, taskType: 'x' },
    { ...base, runStatus: 'x' },
    { ...base, notifyStatus: null },
    { ...base, endTimeMs: null },
    { ...base, extra: '{}' },
  ].map(fingerprintOf);
  expect(new Set(changed).size).toBe(changed.length);
  expect(fingerprintOf({ ...base })).toBe(changed[0]);
});
