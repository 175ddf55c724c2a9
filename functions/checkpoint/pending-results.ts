/**
 * The backlog of executions whose rule results are to be fetched: the document and its changes. Pure. A run adds the
 * settled executions that it writes before it commits the checkpoint, and removes them after their results are in the
 * table (PROTOCOL.md, I19).
 */
import * as z from 'zod';
import { type EpochMs, executionKey } from '../model.ts';
import type { DocumentKind } from './state-document.ts';

/** An execution whose results are to be fetched. */
export interface PendingResult {
  readonly id: bigint;
  readonly startTimeMs: EpochMs;
  readonly taskId: bigint | null;
  /** Number of requests without results, or without finished abnormal rows. */
  readonly tries: number;
  /** Earliest time of the next request. */
  readonly notBeforeMs: EpochMs;
  /**
   * `none`: nothing is in the table. `unfinished`: results are, and are to be fetched once more. `rerun`: the instance has
   * started again, so the source's reply is about another execution, and a row must record that.
   */
  readonly state: 'none' | 'unfinished' | 'rerun';
}

/**
 * An execution whose results are in the table. Kept for a day so that it is not requested again. One that is to be fetched
 * once more is pending as well.
 */
export interface FetchedResult {
  readonly id: bigint;
  readonly startTimeMs: EpochMs;
  readonly taskId: bigint | null;
  readonly fetchedAtMs: EpochMs;
}

/** The document. */
export interface PendingResults {
  readonly pending: readonly PendingResult[];
  readonly fetched: readonly FetchedResult[];
  /** Executions that were taken off because there were too many, since ever. */
  readonly dropped: number;
  /** Why the source refused the last request for results; null if it did not. */
  readonly refused: { readonly atMs: EpochMs; readonly message: string } | null;
}

/** An execution as it was written. */
export interface WrittenExecution {
  readonly id: bigint;
  readonly startTimeMs: EpochMs;
  readonly taskId: bigint | null;
  /** Whether its results are to be fetched. */
  readonly isWanted: boolean;
}

/** About 60 bytes each, so at most 6 MB. Newest first in importance: the oldest are taken off. */
const maxPending = 100_000;
const maxFetched = 10_000;
const fetchedMemoryMs = 86_400_000;
/** Largest assumed difference between the clocks of source and run when times are compared. */
const clockToleranceMs = 5_000;

const id = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .transform(BigInt);
const ms = z.int();
const states = ['none', 'unfinished', 'rerun'] as const;
const schema = z
  .object({
    format: z.literal('dqsync.results'),
    version: z.literal(1),
    pending: z.array(z.tuple([id, ms, id.nullable(), z.int(), ms, z.enum(states)])),
    fetched: z.array(z.tuple([id, ms, id.nullable(), ms])),
    dropped: z.int(),
    refused: z.object({ atMs: ms, message: z.string() }).nullable(),
  })
  .transform(
    ({ pending, fetched, dropped, refused }): PendingResults => ({
      pending: pending.map(([instance, startTimeMs, taskId, tries, notBeforeMs, state]) => ({
        ...{ id: instance, startTimeMs, taskId, tries, notBeforeMs, state },
      })),
      fetched: fetched.map(([instance, startTimeMs, taskId, fetchedAtMs]) => ({
        ...{ id: instance, startTimeMs, taskId, fetchedAtMs },
      })),
      dropped,
      refused,
    }),
  );

/** The document as stored. */
export const pendingResultsKind: DocumentKind<PendingResults> = {
  schema,
  empty: { pending: [], fetched: [], dropped: 0, refused: null },
  encode: ({ pending, fetched, dropped, refused }) => {
    const lines = pending.map(({ id: instance, startTimeMs, taskId, tries, notBeforeMs, state }) =>
      JSON.stringify([String(instance), startTimeMs, textOf(taskId), tries, notBeforeMs, state]),
    );
    const done = fetched.map((entry) =>
      JSON.stringify([String(entry.id), entry.startTimeMs, textOf(entry.taskId), entry.fetchedAtMs]),
    );
    return `{"format":"dqsync.results","version":1,"dropped":${dropped},"refused":${JSON.stringify(refused)},"fetched":[\n${done.join(',\n')}],"pending":[\n${lines.join(',\n')}]}\n`;
  },
};

function textOf(value: bigint | null): string | null {
  return value === null ? null : String(value);
}

/**
 * Adds executions that a run writes. One that is pending already, or whose results were fetched within a day, stays as it is.
 *
 * An instance that started again has results of its new execution only. So an older execution of it that is pending is noted
 * as `rerun`, and so is one whose results were fetched when the new execution had begun: they may be the new one's.
 */
export function withWritten(before: PendingResults, written: readonly WrittenExecution[]): PendingResults {
  if (written.length === 0 || (before.pending.length === 0 && !mayMatter(before, written))) {
    return before;
  }
  const newestStartMs = new Map<bigint, EpochMs>();
  for (const { id: instance, startTimeMs } of written) {
    newestStartMs.set(instance, Math.max(startTimeMs, newestStartMs.get(instance) ?? 0));
  }
  const isOutdated = (entry: { readonly id: bigint; readonly startTimeMs: EpochMs }): boolean =>
    entry.startTimeMs < (newestStartMs.get(entry.id) ?? 0);
  const known = new Set([...before.pending, ...before.fetched].map(executionKey));
  const added = addedTo(before, written, newestStartMs).filter((entry) => !known.has(executionKey(entry)));
  const doubted = before.fetched.filter(
    (entry) => isOutdated(entry) && entry.fetchedAtMs + clockToleranceMs >= (newestStartMs.get(entry.id) ?? 0),
  );
  const changed = before.pending.some((entry) => isOutdated(entry) && entry.state !== 'rerun');
  if (added.length === 0 && doubted.length === 0 && !changed) {
    return before;
  }
  const doubtedKeys = new Set(doubted.map(executionKey));
  const surelyOwn = new Set(before.fetched.map(executionKey).filter((key) => !doubtedKeys.has(key)));
  const pending = [
    ...before.pending
      .filter((entry) => !doubtedKeys.has(executionKey(entry)))
      // Results that are in the table already are its own; what else there was of them is gone.
      .filter((entry) => !(isOutdated(entry) && entry.state === 'unfinished' && surelyOwn.has(executionKey(entry))))
      .map((entry) => (isOutdated(entry) && entry.state !== 'rerun' ? newEntry(entry, 'rerun') : entry)),
    ...added,
    ...doubted.map((entry) => newEntry(entry, 'rerun')),
  ];
  const fetched = before.fetched.filter((entry) => !doubted.includes(entry));
  return bounded({ ...before, pending, fetched });
}

/** Executions to add. One whose instance is known to have started again, maybe from another run, is added as `rerun`. */
function addedTo(
  { pending, fetched }: PendingResults,
  written: readonly WrittenExecution[],
  newestWrittenMs: ReadonlyMap<bigint, EpochMs>,
): PendingResult[] {
  const newestMs = new Map(newestWrittenMs);
  for (const { id: instance, startTimeMs } of [...pending, ...fetched]) {
    newestMs.set(instance, Math.max(startTimeMs, newestMs.get(instance) ?? 0));
  }
  return written
    .filter(({ isWanted }) => isWanted)
    .map(({ id: instance, startTimeMs, taskId }) =>
      newEntry({ id: instance, startTimeMs, taskId }, startTimeMs < (newestMs.get(instance) ?? 0) ? 'rerun' : 'none'),
    );
}

function mayMatter({ fetched }: PendingResults, written: readonly WrittenExecution[]): boolean {
  return fetched.length > 0 || written.some(({ isWanted }) => isWanted);
}

function newEntry(
  { id: instance, startTimeMs, taskId }: Pick<PendingResult, 'id' | 'startTimeMs' | 'taskId'>,
  state: PendingResult['state'],
): PendingResult {
  return { id: instance, startTimeMs, taskId, tries: 0, notBeforeMs: 0, state };
}

/** An execution whose results were requested. */
interface RequestedExecution {
  readonly entry: PendingResult;
  /** When the rows that were written now were fetched; null if nothing was written. */
  readonly fetchedAtMs: EpochMs | null;
}

/** What fetching has changed. */
export interface FetchedChange {
  /** Executions that need no further request, as they were pending. */
  readonly done: readonly RequestedExecution[];
  /** Executions to ask for later. */
  readonly postponed: readonly RequestedExecution[];
  readonly refused: PendingResults['refused'];
  readonly nowMs: EpochMs;
}

/**
 * Removes fetched executions. One that another run has recorded as re-run in the meantime stays, because its results
 * are in doubt.
 */
export function withFetched(
  before: PendingResults,
  { done, postponed, refused, nowMs }: FetchedChange,
): PendingResults {
  const doubted = new Set(before.pending.filter(({ state }) => state === 'rerun').map(executionKey));
  const taken = done.filter(({ entry }) => entry.state === 'rerun' || !doubted.has(executionKey(entry)));
  const takenKeys = new Set(taken.map(({ entry }) => executionKey(entry)));
  const laterByKey = new Map(postponed.map(({ entry }) => [executionKey(entry), entry]));
  const pending = before.pending
    .filter((entry) => !takenKeys.has(executionKey(entry)))
    .map((entry) => {
      const later = laterByKey.get(executionKey(entry));
      return later === undefined || entry.state === 'rerun' || later.tries < entry.tries ? entry : later;
    });
  // An unfinished one too: if its instance starts again, what was fetched before is known to be its own.
  const inTable = [...taken, ...postponed.filter(({ entry }) => !doubted.has(executionKey(entry)))].flatMap(
    ({ entry, fetchedAtMs }) => (fetchedAtMs === null ? [] : [{ entry, fetchedAtMs }]),
  );
  const inTableKeys = new Set(inTable.map(({ entry }) => executionKey(entry)));
  const fetched = [
    ...before.fetched.filter((entry) => !inTableKeys.has(executionKey(entry))),
    ...inTable.map(({ entry: { id: instance, startTimeMs, taskId }, fetchedAtMs }) => ({
      ...{ id: instance, startTimeMs, taskId, fetchedAtMs },
    })),
  ].filter(({ fetchedAtMs }) => fetchedAtMs > nowMs - fetchedMemoryMs);
  return bounded({ ...before, pending, fetched, refused });
}

function bounded(results: PendingResults): PendingResults {
  const { pending, fetched, dropped } = results;
  const newest = fetched.slice(-maxFetched);
  if (pending.length <= maxPending) {
    return { ...results, fetched: newest };
  }
  const kept = pending.toSorted((a, b) => b.startTimeMs - a.startTimeMs).slice(0, maxPending);
  return { ...results, fetched: newest, pending: kept, dropped: dropped + pending.length - kept.length };
}
