import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyChange, type Change, rereadParts } from '../../functions/checkpoint/change.ts';
import { type Checkpoint, emptyCheckpoint } from '../../functions/checkpoint/checkpoint.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../functions/checkpoint/codec.ts';
import { watermarkOf } from '../../functions/checkpoint/coverage.ts';
import { fingerprintOf } from '../../functions/checkpoint/fingerprint.ts';
import { rewindTo } from '../../functions/checkpoint/rewound.ts';
import { asWriting } from '../../functions/checkpoint/writing.ts';
import { contains } from '../../functions/intervals.ts';
import { anObservation } from '../support/builders.ts';
import { anExecution } from '../support/paged-source.ts';

const identity = { projectId: 'p', workspace: 'w', filter: { taskType: 'QUALITY_TASK' }, partitionTimeZone: 'UTC' };
const lookbackMs = 1000;

const instant = fc.integer({ min: 10_000, max: 20_000 });
const execution = fc
  .record({
    id: fc.oneof(fc.bigInt({ min: 1n, max: 6n }), fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n)),
    startTimeMs: fc.constantFrom(11_000, 15_000, 19_500),
    name: fc.string({ unit: 'binary' }),
  })
  .map((fields) => anExecution({ ...fields, runStatus: 'RUNNING', endTimeMs: null }));

const change: fc.Arbitrary<Change> = fc
  .record({
    commitId: fc.uuid(),
    windows: fc.array(
      fc.record({
        window: fc
          .tuple(instant, fc.integer({ min: 1, max: 3000 }))
          .map(([fromMs, length]) => ({ fromMs, toMs: fromMs + length })),
        startTimesMs: fc.constant([11_000, 15_000, 19_500]),
      }),
      { maxLength: 3 },
    ),
    incrementalFromMs: fc.constantFrom(9_000, null),
    rereading: fc.constant(null),
    maxSpanMs: fc.constant(null),
    unproven: fc.constant([]),
    newestStarts: fc.array(
      fc.record({ taskId: fc.bigInt(1n, 3n), startTimeMs: fc.constantFrom(9_000, 11_000, 15_000) }),
    ),
    afterCommitId: fc.constant(null),
    moved: fc.constant([]),
    lateStartTimesMs: fc.constant([]),
    seen: fc.array(
      fc.record({
        execution,
        observedAtMs: fc.integer({ min: 0, max: 1_000_000 }),
      }),
      { maxLength: 5 },
    ),
    opened: fc.array(
      fc.record({
        execution,
        observedAtMs: fc.integer({ min: 0, max: 1_000_000 }),
        lookedAtMs: instant,
        awaits: fc.constant('outcome' as const),
      }),
      { maxLength: 4 },
    ),
    closed: fc.constant([]),
    expired: fc.array(fc.record({ id: fc.bigInt({ min: 1n, max: 3n }), startTimeMs: instant, observedAtMs: instant }), {
      maxLength: 3,
    }),
    quarantined: fc.array(fc.constantFrom('q1', 'q2'), { maxLength: 2 }),
    latestObservedMs: fc.constantFrom(null, 700_000, 900_000),
    run: fc.record({
      runId: fc.string(),
      mode: fc.constant('incremental' as const),
      startedAtMs: instant,
      committedAtMs: instant,
      outcome: fc.constant('done' as const),
      rowsWritten: fc.nat(),
      error: fc.constantFrom(null, 'broken'),
    }),
  })
  .map((made) => ({
    ...made,
    // A run sees only executions of the windows that it reads.
    seen: made.seen.filter((sight) => made.windows.some(({ window }) => contains(window, sight.execution.startTimeMs))),
  }));

/** Returns the parts that must not depend on the order of changes. */
function essence(checkpoint: Checkpoint): unknown {
  const byText = (items: readonly unknown[]): string[] =>
    items
      .map((item) => JSON.stringify(item, (_key, value) => (typeof value === 'bigint' ? String(value) : value)))
      .sort();
  return {
    watermark: watermarkOf(checkpoint),
    latestObserved: checkpoint.latestObservedMs,
    rows: checkpoint.coverage.reduce((sum, window) => sum + window.rows, 0),
    open: byText(checkpoint.open.map((entry) => [entry.execution.id, entry.execution.startTimeMs, entry.observedAtMs])),
    expired: byText(checkpoint.expired),
    newestStarts: byText(checkpoint.newestStarts),
    recent: byText(checkpoint.recent.map((entry) => [entry.id, entry.startTimeMs, entry.observedAtMs])),
  };
}

function followedAt(observedAtMs: number): Change['opened'][number] {
  const one = anExecution({ id: 1n, startTimeMs: 11_000, runStatus: 'RUNNING', endTimeMs: null });
  return { execution: one, observedAtMs, lookedAtMs: observedAtMs, awaits: 'outcome' };
}

describe('changes to a checkpoint', () => {
  it('commute, and have no further effect when they are applied twice', () => {
    fc.assert(
      fc.property(change, change, (a, b) => {
        fc.pre(a.commitId !== b.commitId);
        const start = emptyCheckpoint(identity);
        const ab = applyChange(applyChange(start, a, lookbackMs), b, lookbackMs);
        const ba = applyChange(applyChange(start, b, lookbackMs), a, lookbackMs);
        expect(essence(ab)).toEqual(essence(ba));
        expect(applyChange(ab, a, lookbackMs)).toEqual(ab);
      }),
      { numRuns: 300 },
    );
  });

  it('keep the newest starts of the 10,000 tasks that ran last, and from when they are complete, in any order', () => {
    const [sample] = fc.sample(change, { numRuns: 1, seed: 1 });
    const [older, newer] = [0, 6_000].map((first) => ({
      ...sample!,
      commitId: `from ${first}`,
      newestStarts: Array.from({ length: 6_000 }, (_, task) => ({
        taskId: BigInt(first + task),
        startTimeMs: first + task,
      })),
    }));
    const applyAll = (...changes: Change[]): Checkpoint =>
      changes.reduce((checkpoint, one) => applyChange(checkpoint, one, lookbackMs), emptyCheckpoint(identity));
    const { newestStarts, newestStartsFromMs } = applyAll(older!, newer!);
    expect(newestStarts).toHaveLength(10_000);
    expect(newestStarts[0]).toEqual({ taskId: 2_000n, startTimeMs: 2_000 });
    expect(newestStartsFromMs).toBe(2_000);
    const reversed = applyAll(newer!, older!);
    expect(reversed).toMatchObject({ newestStarts, newestStartsFromMs });
    expect(rewindTo(reversed, 5_000, 'rewind')).toMatchObject({ newestStartsFromMs });
  });

  it('are unchanged when the checkpoint is written and read back, for any ids and names', () => {
    fc.assert(
      fc.property(change, change, (a, b) => {
        const checkpoint = applyChange(applyChange(emptyCheckpoint(identity), a, lookbackMs), b, lookbackMs);
        expect(decodeCheckpoint(encodeCheckpoint(checkpoint), identity, 'sales', 'checkpoint.json')).toEqual(
          checkpoint,
        );
      }),
      { numRuns: 200 },
    );
  });

  it('take an execution off the window that its instance has left', () => {
    const [sample] = fc.sample(change, { numRuns: 1, seed: 1 });
    const windows = [{ window: { fromMs: 10_000, toMs: 20_000 }, startTimesMs: [11_000, 15_000] }];
    const covered = applyChange(emptyCheckpoint(identity), { ...sample!, commitId: 'a', windows }, lookbackMs);
    const moved = [{ id: 1n, startTimeMs: 25_000, leftMs: 15_000 }];
    const after = applyChange(covered, { ...sample!, commitId: 'b', windows: [], moved }, lookbackMs);
    expect(after).toMatchObject({ coverage: [{ rows: 1 }], moved: [{ id: 1n, startTimeMs: 25_000 }] });
  });

  it.each<[string, Pick<Change, 'opened' | 'closed'>, number]>([
    ['is followed again', { opened: [followedAt(501)], closed: [] }, 0],
    ['has ended', { opened: [], closed: [{ key: '1@11000', observedAtMs: 501 }] }, 0],
    [
      'is closed by the observation that expired it',
      { opened: [], closed: [{ key: '1@11000', observedAtMs: 500 }] },
      1,
    ],
    ['was followed before', { opened: [followedAt(499)], closed: [] }, 1],
  ])('remember an expired execution until a later observation shows that it %s', (_, later, expected) => {
    const [sample] = fc.sample(change, { numRuns: 1, seed: 1 });
    const expired = [{ id: 1n, startTimeMs: 11_000, observedAtMs: 500 }];
    const [expiring, other] = [
      { ...sample!, commitId: 'a', opened: [], closed: [], expired },
      { ...sample!, commitId: 'b', expired: [], ...later },
    ];
    const inOrder = [expiring, other].reduce(
      (all, one) => applyChange(all, one, lookbackMs),
      emptyCheckpoint(identity),
    );
    expect(inOrder.expired).toHaveLength(expected);
  });

  it('keep the longest span that the source accepts until a run learns another one', () => {
    const [sample] = fc.sample(change, { numRuns: 1, seed: 1 });
    const applied = (checkpoint: Checkpoint, maxSpanMs: number | null): Checkpoint =>
      applyChange(checkpoint, { ...sample!, commitId: `${maxSpanMs}`, maxSpanMs }, lookbackMs);
    const learned = applied(emptyCheckpoint(identity), 5_000);
    expect(learned.maxSpanMs).toBe(5_000);
    expect(applied(learned, null).maxSpanMs).toBe(5_000);
    expect(applied(learned, 3_000).maxSpanMs).toBe(3_000);
  });

  it('keep the lookback of the last incremental run if a backfill commits', () => {
    const [sample] = fc.sample(change, { numRuns: 1, seed: 1 });
    const applied = (checkpoint: Checkpoint, incrementalFromMs: number | null, lookbackMs: number): Checkpoint =>
      applyChange(checkpoint, { ...sample!, commitId: `${lookbackMs}`, incrementalFromMs }, lookbackMs);
    expect(applied(emptyCheckpoint(identity), null, 900).lookbackMs).toBeNull();
    const synced = applied(emptyCheckpoint(identity), 9_000, 1_000);
    expect(synced.lookbackMs).toBe(1_000);
    expect(applied(synced, null, 300).lookbackMs).toBe(1_000);
    expect(applied(synced, 9_000, 200).lookbackMs).toBe(200);
  });

  it.each([
    ['done', 500],
    ['failed', 1_000],
    ['stopped', 1_000],
    ['running', 1_000],
  ] as const)('take a shorter lookback only from a run that is done (%s: %i ms)', (outcome, expected) => {
    const [sample] = fc.sample(change, 1);
    const committed = (checkpoint: Checkpoint, lookbackMs: number, how: Change['run']['outcome']): Checkpoint => {
      const run = { ...sample!.run, outcome: how };
      const made = { ...sample!, commitId: `${lookbackMs} ${how}`, incrementalFromMs: 9_000, run };
      return applyChange(checkpoint, made, lookbackMs);
    };
    const before = committed(emptyCheckpoint(identity), 1_000, 'done');
    expect(committed(before, 500, outcome).lookbackMs).toBe(expected);
    expect(committed(before, 2_000, outcome).lookbackMs).toBe(2_000);
  });

  /** Returns the commit of one observation of an execution that is open and recent. */
  function observing(observedAtMs: number, name: string): Change {
    const [sample] = fc.sample(change, { numRuns: 1, seed: 1 });
    const execution = anExecution({ id: 1n, startTimeMs: 11_000, name });
    return {
      ...sample!,
      commitId: name,
      windows: [],
      opened: [{ execution, observedAtMs, lookedAtMs: observedAtMs, awaits: 'outcome' }],
      seen: [{ execution, observedAtMs }],
    };
  }

  it('keep the later of two observations of an execution, in either order of commits', () => {
    const [early, late] = [observing(500, 'early'), observing(501, 'late')];
    for (const order of [
      [early, late],
      [late, early],
    ]) {
      const { open, recent } = order.reduce(
        (checkpoint, one) => applyChange(checkpoint, one, lookbackMs),
        emptyCheckpoint(identity),
      );
      expect(open.map(({ execution: { name }, observedAtMs }) => [name, observedAtMs])).toEqual([['late', 501]]);
      const last = fingerprintOf(anExecution({ id: 1n, startTimeMs: 11_000, name: 'late' }));
      expect(recent.map(({ fingerprint, observedAtMs }) => [fingerprint, observedAtMs])).toEqual([[last, 501]]);
    }
  });

  it.each([
    ['an earlier', 'after', 499, true],
    ['an earlier', 'before', 499, true],
    ['its own', 'after', 500, false],
    ['a later', 'after', 501, false],
    ['a later', 'before', 501, false],
  ])(
    'combine the mark that a row is being written with %s observation that is committed %s it',
    (_, order, observedAtMs, isMarked) => {
      const row = anObservation({ id: 1n, startTimeMs: 11_000, observedAtMs: 500 });
      const mark = (checkpoint: Checkpoint): Checkpoint => asWriting(checkpoint, new Map([['1@11000', row]]), 'mark');
      const commit = (checkpoint: Checkpoint): Checkpoint =>
        applyChange(checkpoint, observing(observedAtMs, 'then'), lookbackMs);
      const known = applyChange(emptyCheckpoint(identity), observing(400, 'known'), lookbackMs);
      const { open, recent } = order === 'after' ? commit(mark(known)) : mark(commit(known));
      const lastMs = isMarked ? 500 : observedAtMs;
      expect(open.map((entry) => [entry.observedAtMs, entry.lookedAtMs === 0])).toEqual([[lastMs, isMarked]]);
      expect(recent.map((entry) => [entry.observedAtMs, entry.fingerprint === ''])).toEqual([[lastMs, isMarked]]);
    },
  );

  it('keep fingerprints of quarantined rows for a week, so that each row is quarantined once', () => {
    const [sample] = fc.sample(change, { numRuns: 1, seed: 1 });
    const applied = (checkpoint: Checkpoint, quarantined: string[], committedAtMs: number): Checkpoint => {
      const run = { ...sample!.run, committedAtMs };
      return applyChange(checkpoint, { ...sample!, commitId: `${committedAtMs}`, quarantined, run }, lookbackMs);
    };
    const weekMs = 7 * 86_400_000;
    const both = applied(applied(emptyCheckpoint(identity), ['q1'], 1000), ['q2', 'q2'], 2000);
    expect(both.quarantined.map(({ fingerprint }) => fingerprint)).toEqual(['q1', 'q2']);
    const seenAgain = applied(both, ['q1'], 3000);
    expect(seenAgain.quarantined.map(({ fingerprint }) => fingerprint).sort()).toEqual(['q1', 'q2']);
    const later = applied(seenAgain, [], 2000 + weekMs);
    expect(later.quarantined.map(({ fingerprint }) => fingerprint)).toEqual(['q1']);
  });

  it('keep the start of incremental coverage if initialFrom changes', () => {
    const [sample] = fc.sample(change, { numRuns: 1, seed: 1 });
    const reaching = (incrementalFromMs: number, toMs: number): Change => ({
      ...sample!,
      commitId: `${toMs}`,
      incrementalFromMs,
      windows: [{ window: { fromMs: 9_000, toMs }, startTimesMs: [] }],
    });
    const changed = applyChange(emptyCheckpoint(identity), reaching(9_000, 10_000), lookbackMs);
    expect(watermarkOf(applyChange(changed, reaching(1_000, 12_000), lookbackMs))).toBe(12_000);
  });

  it('discard the re-read progress after a rewind', () => {
    const read = [{ fromMs: 9_000, toMs: 11_000 }];
    const rereading = { fromMs: 9_000, toMs: 12_000, read, readAtMs: 13_000 };
    const rewound = rewindTo({ ...emptyCheckpoint(identity), rereading }, 10_000, 'rewind');
    expect(rereadParts(rewound, rereading, 13_000)).toEqual([]);
    expect(rereadParts({ ...rewound, rereading }, rereading, 13_000)).toEqual(read);
  });

  it('add to the re-read progress unless it is more than a day old', () => {
    const [sample] = fc.sample(change, { numRuns: 1, seed: 1 });
    const dayMs = 86_400_000;
    const span = { fromMs: 9_000, toMs: 12_000 };
    const before = {
      ...emptyCheckpoint(identity),
      rereading: { ...span, read: [{ fromMs: 10_000, toMs: 11_000 }], readAtMs: 0 },
    };
    const readAfter = (readAtMs: number, toMs = 9_500) => {
      const rereading = { ...span, read: [{ fromMs: 9_000, toMs }], readAtMs };
      return rereadParts(applyChange(before, { ...sample!, rereading }, lookbackMs), span, readAtMs);
    };
    expect(readAfter(dayMs - 1)).toEqual([
      { fromMs: 9_000, toMs: 9_500 },
      { fromMs: 10_000, toMs: 11_000 },
    ]);
    expect(readAfter(dayMs - 1, 10_000)).toEqual([{ fromMs: 9_000, toMs: 11_000 }]);
    expect(readAfter(dayMs)).toEqual([{ fromMs: 9_000, toMs: 9_500 }]);
    expect(readAfter(dayMs - 1, 12_000)).toEqual([]);
  });

  it('do not count towards the re-read of another span', () => {
    const rereading = { fromMs: 9_000, toMs: 12_000, read: [{ fromMs: 9_000, toMs: 11_000 }], readAtMs: 0 };
    const checkpoint = { ...emptyCheckpoint(identity), rereading };
    expect(rereadParts(checkpoint, { fromMs: 9_000, toMs: 12_001 }, 0)).toEqual([]);
    expect(rereadParts(checkpoint, { fromMs: 8_999, toMs: 12_000 }, 0)).toEqual([]);
  });

  it('close an execution unless a later observation saw it open', () => {
    const open = {
      execution: anExecution({ id: 1n, startTimeMs: 11_000 }),
      observedAtMs: 500,
      lookedAtMs: 500,
      awaits: 'outcome' as const,
    };
    const [sample] = fc.sample(change, { numRuns: 1, seed: 1 });
    const base = { ...emptyCheckpoint(identity), open: [open] };
    const closeAt = (observedAtMs: number): Checkpoint =>
      applyChange(base, { ...sample!, opened: [], closed: [{ key: '1@11000', observedAtMs }] }, lookbackMs);
    expect(closeAt(500).open).toEqual([]);
    expect(closeAt(499).open).toEqual([open]);
  });
});
