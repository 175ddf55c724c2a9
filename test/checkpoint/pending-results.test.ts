/** The backlog of rule results, changed by several runs. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  waitingCount,
  windowToList,
  withFetched,
  withListed,
  withWritten,
} from '../../functions/checkpoint/pending-results.ts';
import {
  type PendingResults,
  pendingResultsKind,
  type WrittenExecution,
} from '../../functions/checkpoint/results-document.ts';
import { partToList } from '../../functions/checkpoint/results-windows.ts';
import { contains, containsAny } from '../../functions/intervals.ts';

const taskId = 1012385458115825700n;
const first = { id: 1012386207306600400n, startTimeMs: 1_661_413_281_000, taskId, isWanted: true };
const again = { ...first, startTimeMs: first.startTimeMs + 60_000 };
const nowMs = first.startTimeMs + 86_400_000;
const onceMore = { ...first, startTimeMs: first.startTimeMs + 120_000 };
const { empty, schema, encode } = pendingResultsKind('sales');

it.each([
  ['the first is recorded first', [first, again]],
  ['the second is, by a faster run', [again, first]],
  ['both are in one commit', [[first, again]]],
])('never gives an execution the results of another execution of its instance: %s', (_, commits) => {
  const { pending } = commits.reduce((results, rows) => withWritten(results, [rows].flat(), { nowMs }), empty);
  const states = pending.map(({ startTimeMs, state }) => [startTimeMs, state]);
  expect(new Map(states as [number, string][])).toEqual(
    new Map([
      [first.startTimeMs, 'rerun'],
      [again.startTimeMs, 'none'],
    ]),
  );
});

it('keeps results of an unfinished execution that were fetched days before its instance started again', () => {
  const noted = withWritten(empty, [first, { ...first, id: 7n }], { nowMs });
  const unfinished = { ...noted.pending[0]!, state: 'unfinished' as const, tries: 1 };
  const postponed = [{ entry: unfinished, fetchedAtMs: nowMs, isExpired: false }];
  const fetchedOnce = withFetched(noted, { done: [], postponed, refused: null, nowMs });
  const refused = { atMs: nowMs + 3 * 86_400_000, message: 'no' };
  const daysLater = withFetched(fetchedOnce, { done: [], postponed: [], refused, nowMs: refused.atMs });
  const rerun = { ...first, startTimeMs: refused.atMs };
  const { pending } = withWritten(daysLater, [rerun], { nowMs: refused.atMs });
  expect(pending.filter(({ id }) => id === first.id)).toMatchObject([
    { startTimeMs: first.startTimeMs, state: 'rerun', notBeforeMs: rerun.startTimeMs - 5_000 },
    { startTimeMs: rerun.startTimeMs, state: 'none' },
  ]);
});

it('marks results that were fetched after an instance started again as uncertain, and notes that once', () => {
  const noted = withWritten(empty, [first], { nowMs });
  const fetchedAtMs = nowMs + 3_600_000;
  const done = noted.pending.map((entry) => ({ entry, fetchedAtMs, isExpired: false }));
  const fetched = withFetched(noted, { done, postponed: [], refused: null, nowMs: fetchedAtMs });
  const doubted = withWritten(fetched, [again], { nowMs });
  const rerun = doubted.pending.find(({ startTimeMs }) => startTimeMs === first.startTimeMs)!;
  expect(rerun).toMatchObject({ state: 'rerun', notBeforeMs: again.startTimeMs - 5_000 });
  const written = [{ entry: rerun, fetchedAtMs: rerun.notBeforeMs, isExpired: false }];
  const known = withFetched(doubted, { done: written, postponed: [], refused: null, nowMs: fetchedAtMs });
  expect(withWritten(known, [again], { nowMs: fetchedAtMs })).toBe(known);
});

it.each<[string, WrittenExecution[][]]>([
  ['both in one commit', [[again, onceMore]]],
  ['the first one before the second', [[again], [onceMore]]],
  ['the first one last', [[onceMore], [again]]],
])(
  'marks results fetched after the first of two further starts as uncertain, whichever is noted first: %s',
  (_, commits) => {
    const before: PendingResults = { ...empty, fetched: [{ ...first, fetchedAtMs: nowMs }] };
    const results = commits.reduce((known, rows) => withWritten(known, rows, { nowMs }), before);
    const rerun = results.pending.find(({ startTimeMs }) => startTimeMs === first.startTimeMs);
    expect(rerun).toMatchObject({ state: 'rerun', notBeforeMs: again.startTimeMs - 5_000 });
  },
);

it('is the same in whichever order two runs record that they requested the results of one execution', () => {
  const noted = withWritten(empty, [first], { nowMs });
  const entry = { ...noted.pending[0]!, tries: 1, notBeforeMs: nowMs };
  const nothing = { done: [], postponed: [{ entry, fetchedAtMs: null, isExpired: false }], refused: null, nowMs };
  const found = (fetchedAtMs: number): Parameters<typeof withFetched>[1] => ({
    ...nothing,
    postponed: [{ entry: { ...entry, state: 'unfinished' }, fetchedAtMs, isExpired: false }],
  });
  const changes = [nothing, found(nowMs - 9), found(nowMs)];
  const [inOrder, reversed] = [changes, changes.toReversed()].map((all) => all.reduce(withFetched, noted));
  expect(inOrder).toEqual(reversed);
  expect(inOrder).toMatchObject({ pending: [{ state: 'unfinished' }], fetched: [{ fetchedAtMs: nowMs }] });
});

/** Returns executions that start every `stepMs`, beginning at `fromMs`. */
function executions(count: number, fromMs: number, stepMs: number): WrittenExecution[] {
  return Array.from({ length: count }, (_, index) => ({
    ...first,
    id: BigInt(fromMs + index * stepMs) * 10_000n + BigInt(index),
    startTimeMs: fromMs + index * stepMs,
  }));
}

/** Returns the newest window as listed by a source with the executions `all`. */
function listed(results: PendingResults, all: readonly WrittenExecution[]): Parameters<typeof withListed>[1] {
  const window = windowToList(results, nowMs)!;
  const part = partToList(window);
  const found = all.filter(({ startTimeMs }) => contains(part, startTimeMs));
  return { window, part, unread: [], failed: [], retryAtMs: nowMs, found };
}

/** Removes all entries, as a run does that has fetched their results. */
function allFetched(before: PendingResults): PendingResults {
  const done = before.pending.map((entry) => ({ entry, fetchedAtMs: nowMs, isExpired: false }));
  return withFetched(before, { done, postponed: [], refused: null, nowMs });
}

function expectAllWait({ pending, windows }: PendingResults, all: readonly WrittenExecution[]): void {
  const ids = new Set(pending.map(({ id }) => id));
  expect(all.filter(({ id, startTimeMs }) => !ids.has(id) && !containsAny(windows, startTimeMs))).toEqual([]);
}

describe('a backlog of more executions than the list holds', () => {
  it('keeps the newest in the list, and all others in windows, in bounded space', async () => {
    const secondsMs = fc.constantFrom(0, 1_000, 60_000, 2 * 3_600_000);
    const batch = fc.tuple(fc.integer({ min: 1, max: 1_500 }), fc.integer({ min: 0, max: 60 }), secondsMs);
    await fc.assert(
      fc.property(fc.array(batch, { minLength: 4, maxLength: 8 }), (batches) => {
        const commits = batches.map(([count, day, stepMs]) =>
          executions(count, first.startTimeMs + day * 86_400_000, stepMs),
        );
        const results = commits.reduce((before, rows) => withWritten(before, rows, { nowMs }), empty);
        expectAllWait(results, commits.flat());
        const oldestListedMs = Math.min(...results.pending.map(({ startTimeMs }) => startTimeMs));
        expect(results.windows.every(({ fromMs }) => fromMs <= oldestListedMs)).toBe(true);
        expect(results.pending.length).toBeLessThanOrEqual(2_000);
        expect(results.windows.length).toBeLessThanOrEqual(100);
        expect(schema.parse(JSON.parse(encode(results)))).toEqual(results);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['spread over a month', 10_000, 240_000],
    ['in one second', 9_000, 0],
    ['two a week', 6_000, 302_400_000],
  ])('is listed part by part, newest first, until nothing is left: %s', (_, count, stepMs) => {
    const all = executions(count, first.startTimeMs, stepMs);
    let results = withWritten(empty, all, { nowMs });
    expect(waitingCount(results)).toBe(count);
    const fetched = new Set<bigint>();
    for (let round = 0; waitingCount(results) > 0 && round < 1_000; round += 1) {
      for (const { id } of results.pending) {
        fetched.add(id);
      }
      results = allFetched(results);
      results = windowToList(results, nowMs) === null ? results : withListed(results, listed(results, all));
      expect(results.pending.length).toBeLessThanOrEqual(2_000);
    }
    expect(results).toMatchObject({ pending: [], windows: [], waitingSinceMs: null });
    expect(fetched.size).toBe(count);
    expect(withWritten(results, all.slice(-100), { nowMs })).toBe(results);
    expect(waitingCount(withWritten(results, all, { nowMs, isAgain: true }))).toBe(count);
  });

  it('keeps executions that another run adds to a window while it is listed', () => {
    const all = executions(4_000, first.startTimeMs, 60_000);
    const before = allFetched(withWritten(empty, all, { nowMs }));
    const change = listed(before, all);
    const late = executions(2_500, change.part.fromMs + 500, 1_000);
    const meanwhile = withWritten(before, late, { nowMs });
    expect(meanwhile.windows).toMatchObject([{ fromMs: change.window.fromMs, toMs: change.window.toMs }]);
    expectAllWait(withListed(meanwhile, change), [...late, ...change.found]);
    expect(withListed(meanwhile, { ...change, found: [] })).toBe(meanwhile);
  });

  it('does not change when a listing is applied twice', () => {
    const all = executions(4_000, first.startTimeMs, 60_000);
    const before = allFetched(withWritten(empty, all, { nowMs }));
    const change = listed(before, all);
    const once = withListed(before, change);
    expect(withListed(once, change)).toBe(once);
  });

  it('notes the earlier of two executions of one instance that a listing shows', () => {
    const all = executions(4_000, first.startTimeMs, 60_000);
    const before = allFetched(withWritten(empty, all, { nowMs }));
    const change = listed(before, all);
    const one = change.found[0]!;
    const later = { ...one, startTimeMs: one.startTimeMs + 30_000 };
    const { pending } = withListed(before, { ...change, found: [one, later] });
    expect(pending).toMatchObject([
      { startTimeMs: one.startTimeMs, state: 'rerun' },
      { startTimeMs: later.startTimeMs, state: 'none' },
    ]);
  });

  it('keeps the state of executions that were requested before', () => {
    const known = withWritten(empty, executions(50, first.startTimeMs, 1_000), { nowMs });
    const entry = { ...known.pending[0]!, tries: 3, notBeforeMs: nowMs };
    const tried = withFetched(known, {
      ...{ done: [], refused: null, nowMs },
      postponed: [{ entry, fetchedAtMs: null, isExpired: false }],
    });
    const { pending } = withWritten(tried, executions(4_000, nowMs, 1_000), { nowMs });
    expect(pending).toContainEqual(entry);
  });
});

describe('the waiting time of executions', () => {
  const wait = withWritten(empty, [first], { nowMs });

  it.each<[string, Partial<Parameters<typeof withFetched>[1]>, number | null]>([
    ['counts from the first that was added', {}, nowMs],
    ['ends when all are fetched', { done: [{ entry: wait.pending[0]!, fetchedAtMs: nowMs, isExpired: false }] }, null],
    [
      'ends when the last one is to be requested later',
      {
        postponed: [
          { entry: { ...wait.pending[0]!, tries: 1, notBeforeMs: nowMs + 9 }, fetchedAtMs: null, isExpired: false },
        ],
      },
      null,
    ],
    ['continues while the source refuses', { refused: { atMs: nowMs, message: 'no' } }, nowMs],
  ])('%s', (_, change, since) => {
    const results = withFetched(wait, { ...{ done: [], postponed: [], refused: null, nowMs }, ...change });
    expect(results.waitingSinceMs).toBe(since);
    expect(withWritten(results, [again], { nowMs: nowMs + 5 }).waitingSinceMs).toBe(since ?? nowMs + 5);
  });
});
