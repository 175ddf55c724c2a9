import { expect, it } from 'vitest';
import { isOpen, type Page } from '../../functions/model.ts';
import { addReply, emptyCollected } from '../../functions/reading/collected.ts';
import { replyOf } from '../../functions/reading/page-source.ts';
import { anExecution, day, epochMs } from '../support/paged-source.ts';

const sight = (runStatus: string, notifyStatus: string, receivedAtMs: number): Page => ({
  count: 1,
  executions: [
    anExecution({
      id: 1n,
      startTimeMs: epochMs,
      runStatus,
      notifyStatus,
      endTimeMs: isOpen({ runStatus, endTimeMs: 0, extra: null }) ? null : epochMs + 1,
    }),
  ],
  unreadable: [],
  receivedAtMs,
});

it.each([
  ['the later of two outcomes', sight('ALARMING', 'NOT_TRIGGERED', 1), sight('ALARMING', 'SUCCESS', 2), 'SUCCESS'],
  ['the later of two that are open', sight('RUNNING', 'A', 1), sight('SUSPENDING', 'B', 2), 'B'],
  ['an outcome, although an overtaken reply shows it open', sight('FAILED', 'A', 1), sight('RUNNING', 'B', 2), 'A'],
])('keeps of two observations of an execution %s, in any order of arrival', (_which, early, late, notifyStatus) => {
  for (const [first, second] of [
    [early, late],
    [late, early],
  ] as const) {
    const collected = emptyCollected();
    addReply(collected, replyOf(day, first, 1, 0));
    addReply(collected, replyOf(day, second, 2, 0));
    expect([...collected.seen.values()].map(({ execution }) => execution.notifyStatus)).toEqual([notifyStatus]);
  }
});
