/** The conditions under which a count proves that the table has all rows of a day, without a comparison of rows. */
import { describe, expect, it } from 'vitest';
import { emptyCheckpoint } from '../../functions/checkpoint/checkpoint.ts';
import { contains, gapsIn } from '../../functions/intervals.ts';
import type { Execution, Task, Window } from '../../functions/model.ts';
import type { TaskSource } from '../../functions/source/task-calls.ts';
import { type DayResult, isFine, isRepairable, verifyDays } from '../../functions/verify/verify-days.ts';
import {
  day,
  epochMs,
  executions,
  type PagedSource,
  type PagedSourceTraps,
  pagedSource,
} from '../support/paged-source.ts';

const hourMs = 3_600_000;
const target = { name: 'sales', projectId: 'p', workspace: 'w', filter: {} };
const settings = {
  initialFromMs: 0,
  settleMs: 0,
  lookbackMs: 0,
  maxOpenMs: hourMs,
  partitionTimeZone: 'UTC',
  keepsTasks: true,
  auditMs: 30 * 86_400_000,
  requestsPerSecond: 4,
  maxInFlight: 40,
};
const noCalls = { requests: 0, throttled: 0, retries: 0, clockSkewMs: null, latencyMs: null, failing: null };
const noStats = { ...noCalls, quotaOpensAtMs: 0 };

/** 57 rows of the day, a minute apart, beginning at noon, and 150 rows of the days before. */
const ofDay = executions(57, (index) => 12 * hourMs + index * 60_000);
const others = executions(207, (index) => -(index + 1) * hourMs).slice(57);

function sourceOf(rows: readonly Execution[] = ofDay, traps: Partial<PagedSourceTraps> = {}): PagedSource {
  return pagedSource([...others, ...rows], traps);
}

/** Returns a task that ran last at `lastRunTimeMs`. */
function aTask(id: bigint, lastRunTimeMs: number): Task {
  const schedule = { scheduleStatus: null, schedulePeriod: null, scheduleInterval: null };
  const others = { name: null, categoryId: null, createTimeMs: null, creator: null, extra: null };
  return { id, type: 'QUALITY_TASK', lastRunTimeMs, ...schedule, ...others };
}

function taskSourceOf(all: readonly Task[]): TaskSource {
  return {
    listTasks: async (type, offset) => {
      const tasks = all.filter((task) => task.type === type).slice(offset);
      return { count: tasks.length + offset, rows: tasks.length, tasks };
    },
    fetchTask: async () => null,
    fetchResults: async () => null,
  };
}

/** Verifies a window as one day, with a table that contains `table` of it. */
async function verified(
  { fetchPage }: PagedSource,
  table: readonly Execution[],
  window: Window = day,
  tasks: readonly Task[] = [],
): Promise<DayResult> {
  const inTable = (span: Window) => table.filter(({ startTimeMs }) => contains(span, startTimeMs));
  const identity = { projectId: 'p', workspace: 'w', filter: {}, partitionTimeZone: 'UTC' };
  const coverage = gapsIn({ fromMs: epochMs - 100 * 24 * hourMs, toMs: epochMs + 100 * 24 * hourMs }, []);
  const results: DayResult[] = [];
  await verifyDays(
    {
      target,
      settings,
      source: { fetchPage, tasks: taskSourceOf(tasks), stats: () => noStats },
      log: () => undefined,
      onProgress: () => undefined,
    },
    {
      days: [{ day: '2025-10-09', ...window }],
      isDeep: false,
      checkpoint: { ...emptyCheckpoint(identity), coverage: coverage.map((span) => ({ ...span, rows: 0 })) },
      nowMs: epochMs + 50 * 24 * hourMs,
      table: {
        tally: async (days) => days.map((one) => ({ rows: inTable(one).length, byStatus: new Map() })),
        rowsIn: async (span) => inTable(span).map((row) => ({ ...row, isOfTarget: true })),
      },
    },
    (result) => results.push(result),
  );
  return results[0]!;
}

describe('a count proves a day', () => {
  it('a count proves a day with as many rows in the table, by one request', async () => {
    const source = sourceOf();
    const result = await verified(source, ofDay);
    expect(result).toMatchObject({ comparedBy: 'count', source: 57, table: 57 });
    expect(isFine(result)).toBe(true);
    // The first request covers a month.
    expect(source.requests).toBe(2);
    const less = await verified(sourceOf(), ofDay.slice(1));
    expect(less).toMatchObject({ comparedBy: 'rows', source: 57, table: 56, missing: 1 });
  });

  it.each([['page'], ['none'], [{ cappedAt: 57 }], [{ cappedAt: 100 }]] as const)(
    'only if it is exact, and not if it is %j',
    async (count) => {
      const result = await verified(sourceOf(ofDay, { count }), ofDay);
      expect(result).toMatchObject({ comparedBy: 'rows', source: 57, missing: 0, gone: 0, unproven: null });
    },
  );

  it.each(['zero', 'total'] as const)('never by a reply without rows whose count is %s', async (glitchCount) => {
    const glitch = { emptyRequests: new Set([2, 3]), glitchCount };
    const full = await verified(sourceOf(ofDay, glitch), ofDay);
    expect(full).toMatchObject({ source: 57, missing: 0 });
    const empty = await verified(sourceOf(ofDay, glitch), []);
    expect(empty).toMatchObject({ comparedBy: 'rows', source: 57, missing: 57 });
  });

  it('never if start times have milliseconds, because rows may lie next to its ends', async () => {
    const rows = ofDay.map((row) => ({ ...row, startTimeMs: row.startTimeMs + 1 }));
    expect(await verified(sourceOf(rows), rows)).toMatchObject({ comparedBy: 'rows', source: 57, missing: 0 });
  });

  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])(
    'without the rows next to it, for all edges (start inclusive: %j, end: %j)',
    async (startInclusive, endInclusive) => {
      const beside = executions(4, (index) => [-1000, 0, 24 * hourMs - 1000, 24 * hourMs][index] ?? 0);
      const rows = [...ofDay, ...beside.map((row, index) => ({ ...row, id: BigInt(index + 1) }))];
      const result = await verified(sourceOf(rows, { startInclusive, endInclusive }), rows);
      expect(result).toMatchObject({ comparedBy: 'count', source: 59, table: 59 });
    },
  );

  it.each([1, 300, 500, 501, 999])(
    'that begins and ends %i ms after a whole second, where rows are just before',
    async (ms) => {
      const window = { fromMs: day.fromMs + ms, toMs: day.toMs + ms };
      const beside = executions(3, (index) => [0, 24 * hourMs, 24 * hourMs][index] ?? 0);
      const rows = [...ofDay, ...beside.map((row, index) => ({ ...row, id: BigInt(index + 1) }))];
      expect(await verified(sourceOf(rows), rows, window)).toMatchObject({ comparedBy: 'count', source: 59 });
      const less = rows.filter((row) => row !== ofDay[20] && row !== ofDay[21]);
      expect(await verified(sourceOf(rows), less, window)).toMatchObject({ comparedBy: 'rows', missing: 2 });
      const oneLess = rows.filter((row) => row !== ofDay[20]);
      expect(await verified(sourceOf(rows), oneLess, window)).toMatchObject({ comparedBy: 'rows', missing: 1 });
    },
  );

  it.each([
    ['an execution in the table has become unreadable', ofDay, (row: Execution) => row === ofDay[30], 57, 1, 0],
    ['all of them have', ofDay, () => true, 57, 57, 0],
    ['one is unreadable from the start', ofDay.slice(1), (row: Execution) => row === ofDay[0], 57, 1, 0],
    ['one is, and another is missing', ofDay.slice(2), (row: Execution) => row === ofDay[0], 57, 1, 1],
  ])(
    'never if %s, because the row stays in the balance',
    async (_, table, isUnreadable, source, unreadable, missing) => {
      const unreadableText = (row: Execution) => (isUnreadable(row) ? `{"id":"${row.id}"}` : null);
      const result = await verified(sourceOf(ofDay, { unreadableText }), table);
      expect(result).toMatchObject({ comparedBy: 'rows', source, unreadable, missing });
      expect(result.unreadableReason).toBe('id is not an integer');
      expect([isFine(result), isRepairable(result)]).toEqual([false, missing > 0]);
    },
  );

  it('unless the source lists a last run of a task that was never recorded', async () => {
    const [first] = ofDay;
    const ranLast = (atMs: number) => verified(sourceOf(), ofDay, day, [aTask(first!.taskId!, atMs)]);
    expect(await ranLast(first!.startTimeMs)).toMatchObject({ comparedBy: 'rows', missing: 0 });
    expect(await ranLast(first!.startTimeMs + 7_000)).toMatchObject({ comparedBy: 'count' });
    expect(await ranLast(first!.startTimeMs + 86_400_000)).toMatchObject({ comparedBy: 'count' });
  });

  it('a count proves a day without the unreadable rows next to it that the source shows for its end', async () => {
    const beside = executions(2, (index) => [-1, 24 * hourMs][index] ?? 0).map((row) => ({ ...row, id: -row.id - 1n }));
    const unreadableText = (row: Execution) => (row.id < 0n ? `{"id":"${row.id}"}` : null);
    const source = sourceOf([...ofDay, ...beside], { unreadableText, startInclusive: true, endInclusive: true });
    expect(await verified(source, ofDay)).toMatchObject({ source: 57, unreadable: 0, comparedBy: 'rows' });
  });
});
