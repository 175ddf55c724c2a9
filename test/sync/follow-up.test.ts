/** The choice of requests that re-check open executions and notifications. */
import { describe, expect, it } from 'vitest';
import type { OpenEntry } from '../../functions/checkpoint/checkpoint.ts';
import { contains } from '../../functions/intervals.ts';
import type { Window } from '../../functions/model.ts';
import { followUpOf, narrowWindows, planReobservation } from '../../functions/sync/follow-up.ts';
import { anExecution } from '../support/paged-source.ts';

const nowMs = 1_760_000_000_000;
const hourMs = 3_600_000;
const lookbackMs = 900_000;

/** Returns an entry for the nth of executions that start far apart, each checked later than the previous one. */
function anEntry(
  n: number,
  change: { runStatus: string; notifyStatus?: string; endedAgoMs: number | null },
): OpenEntry {
  const { runStatus, notifyStatus = 'NOT_TRIGGERED', endedAgoMs } = change;
  const endTimeMs = endedAgoMs === null ? null : nowMs - endedAgoMs;
  return {
    execution: anExecution({
      id: BigInt(n),
      startTimeMs: nowMs - 9 * hourMs + n * 1000,
      runStatus,
      notifyStatus,
      endTimeMs,
    }),
    observedAtMs: nowMs - hourMs,
    lookedAtMs: nowMs - hourMs + n,
    awaits: endedAgoMs === null ? 'outcome' : 'notification',
  };
}

function entries(count: number, change: Parameters<typeof anEntry>[1]): OpenEntry[] {
  return Array.from({ length: count }, (_, n) => anEntry(n, change));
}

const limits = { rowsPerMs: null, mostWindows: Number.POSITIVE_INFINITY, nowMs, lookbackMs };

const idsDue = (open: OpenEntry[], mostWindows = limits.mostWindows): number[] =>
  planReobservation(open, { ...limits, mostWindows }).due.map(({ execution }) => Number(execution.id));

function expectHeld(open: readonly OpenEntry[], windows: readonly Window[]): void {
  const outside = open.filter(({ execution }) => !windows.some((window) => contains(window, execution.startTimeMs)));
  expect(outside).toEqual([]);
}

it.each([null, 0.001, 0.02, 5])(
  'the requested windows contain the start of each execution to re-check, at %s rows per ms',
  (rowsPerMs) => {
    const open = entries(50, { runStatus: 'RUNNING', endedAgoMs: null });
    expectHeld(open, narrowWindows(open, rowsPerMs));
    const { stillOpen } = planReobservation(open, { ...limits, rowsPerMs });
    expectHeld(
      stillOpen.length === 0 ? [] : open,
      stillOpen.map(({ window }) => window),
    );
  },
);

describe('notifications that cannot change any more', () => {
  const over = { runStatus: 'SUCCESS', endedAgoMs: lookbackMs };

  it('are checked once more, up to half of them, least recently checked first', () => {
    const open = entries(300, over);
    const due = idsDue(open.toReversed());
    expect(due).toEqual(Array.from(due, (_, n) => n));
    expect(due.length).toBeGreaterThan(100);
    expect(due.length).toBeLessThanOrEqual(150);
  });

  it('are all checked if they are few', () => {
    expect(idsDue(entries(20, over))).toHaveLength(20);
  });

  it('leave most of the time to new rows', () => {
    const [some, fewest] = [100, 0].map((mostWindows) => idsDue(entries(1_000, over), mostWindows).length);
    expect(some).toBeGreaterThan(50);
    expect(some).toBeLessThanOrEqual(100);
    expect(fewest).toBeGreaterThan(35);
    expect(fewest).toBeLessThanOrEqual(50);
  });
});

describe('notifications that may still change', () => {
  const early = { runStatus: 'ALARMING', endedAgoMs: lookbackMs - 1 };

  it('are checked in turn if no notification of an alarm was sent', () => {
    expect(idsDue(entries(10, early))).toHaveLength(10);
    const due = idsDue(entries(300, early).toReversed());
    expect(due).toEqual(Array.from(due, (_, n) => n));
    expect(due.length).toBeGreaterThan(35);
    expect(due.length).toBeLessThanOrEqual(50);
  });

  it.each([
    ['a notification was sent', { ...early, notifyStatus: 'SUCCESS' }],
    ['the execution succeeded', { ...early, runStatus: 'SUCCESS' }],
  ])('wait for their last check if %s', (_why, change) => {
    expect(idsDue(entries(10, change))).toEqual([]);
  });
});

describe('an execution in the checkpoint', () => {
  const settings = { lookbackMs: 900_000, maxOpenMs: 86_400_000 };
  const nowMs = 1_760_000_000_000;
  const recentFromMs = nowMs - 900_000;
  const hourAgo = nowMs - 3_600_000;
  it.each([
    [{ runStatus: 'RUNNING', endTimeMs: null, startTimeMs: hourAgo }, 'outcome'],
    [{ runStatus: 'NOVEL', endTimeMs: hourAgo, startTimeMs: hourAgo }, 'outcome'],
    [{ runStatus: 'SUCCESS', endTimeMs: null, startTimeMs: hourAgo }, 'outcome'],
    [{ runStatus: 'RUNNING', endTimeMs: null, startTimeMs: nowMs - 86_400_001 }, null],
    [{ runStatus: 'ALARMING', endTimeMs: nowMs - 1000, startTimeMs: hourAgo }, 'notification'],
    [{ runStatus: 'ALARMING', endTimeMs: nowMs - 1000, startTimeMs: nowMs - 5000 }, null],
    [{ runStatus: 'ALARMING', endTimeMs: nowMs - 1000, startTimeMs: hourAgo, notifyStatus: 'SUCCESS' }, 'notification'],
    [{ runStatus: 'ALARMING', endTimeMs: hourAgo + 1, startTimeMs: hourAgo }, null],
    [{ runStatus: 'SUCCESS', endTimeMs: hourAgo + 1, startTimeMs: hourAgo }, null],
  ])('an execution in the checkpoint with %o awaits %s', (fields, awaits) => {
    expect(followUpOf(anExecution({ id: 1n, ...fields }), nowMs, recentFromMs, settings)).toBe(awaits);
  });

  it('is re-checked while it is open, until it expires', () => {
    const startTimeMs = nowMs - settings.maxOpenMs;
    const execution = anExecution({ id: 1n, runStatus: 'RUNNING', endTimeMs: null, startTimeMs });
    expect(followUpOf(execution, nowMs, recentFromMs, settings)).toBe('outcome');
    expect(followUpOf(execution, nowMs + 1, recentFromMs, settings)).toBeNull();
  });

  it.each(['RUNNING', 'SUSPENDING', 'UNKNOWN', 'NOVEL', null])(
    'is re-checked with status %s, whether it has an end time or not',
    (runStatus) => {
      for (const endTimeMs of [null, nowMs - 1000]) {
        const execution = anExecution({ id: 1n, runStatus, startTimeMs: hourAgo, endTimeMs });
        expect(followUpOf(execution, nowMs, recentFromMs, settings)).toBe('outcome');
      }
    },
  );
});
