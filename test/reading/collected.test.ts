import { expect, it } from 'vitest';
import { isOpen, type Page } from '../../functions/model.ts';
import { addPage, emptyCollected, mergeCollected } from '../../functions/reading/collected.ts';
import { anExecution, epochMs } from '../support/paged-source.ts';

const sight = (runStatus: string, notifyStatus: string, receivedAtMs: number): Page => ({
  count: 1,
  executions: [
    anExecution({
      id: 1n,
      startTimeMs: epochMs,
      runStatus,
      notifyStatus,
      endTimeMs: isOpen({ runStatus, endTimeMs: 0 }) ? null : epochMs + 1,
    }),
  ],
  unreadable: [],
  receivedAtMs,
});

it.each([
  ['the later of two outcomes', sight('ALARMING', 'NOT_TRIGGERED', 1), sight('ALARMING', 'SUCCESS', 2), 'SUCCESS'],
  ['the later of two that are open', sight('RUNNING', 'A', 1), sight('SUSPENDING', 'B', 2), 'B'],
  [
    'an outcome, though a reply that was overtaken shows it open',
    sight('FAILED', 'A', 1),
    sight('RUNNING', 'B', 2),
    'A',
  ],
])('of two sights of an execution %s counts, in whatever order they come', (_which, early, late, notifyStatus) => {
  for (const [first, second] of [
    [early, late],
    [late, early],
  ] as const) {
    const [byPage, merged, other] = [emptyCollected(), emptyCollected(), emptyCollected()];
    addPage(byPage, first);
    addPage(byPage, second);
    addPage(merged, first);
    addPage(other, second);
    mergeCollected(merged, other);
    for (const { seen } of [byPage, merged]) {
      expect([...seen.values()].map(({ execution }) => execution.notifyStatus)).toEqual([notifyStatus]);
    }
  }
});
