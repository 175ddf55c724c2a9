/**
 * The checkpoint: the document that holds the state of one target. PROTOCOL.md describes each field and its bounds.
 * Pure.
 */
import * as z from 'zod';
import type { Execution, TargetFilter } from '../model.ts';
import { executionColumns } from '../warehouse/columns.ts';
import { list, storedId, storedMs } from './stored-json.ts';

const id = storedId.refine((value) => BigInt.asIntN(64, value) === value, { error: 'does not fit 64 bits' });
const window = z.strictObject({ fromMs: storedMs, toMs: storedMs });

const storedValues = { int64: id, text: z.string(), 'timestamp-ms-utc': storedMs } as const;
/** One member per column. A column added later is missing from older documents, and read as null. */
const storedExecution = z.strictObject(
  Object.fromEntries(
    executionColumns.map(({ property, kind, nullable }) => [
      property,
      nullable ? storedValues[kind].nullable().optional() : storedValues[kind],
    ]),
  ),
);

const openEntry = z.strictObject({
  execution: storedExecution,
  observedAtMs: storedMs,
  /**
   * Time of the last check. If a run cannot check all, the oldest checks come first. 0 after a rewind, or while the
   * execution is being written: the table may lack its state, so the next check writes it again.
   */
  lookedAtMs: storedMs,
  /**
   * Time of the observation that has this state, while a run writes an outcome, dated `observedAtMs`. If that run is
   * killed, the outcome may be in the table.
   */
  statedAtMs: storedMs.optional(),
  /**
   * `outcome`: it is open. `notification`: it ended recently, and its notification status may still change; or the last
   * check did not find it, and the next one closes it if it is missing again.
   */
  awaits: z.enum(['outcome', 'notification']),
});

const recentEntry = z
  .tuple([id, storedMs, z.string(), storedMs])
  .transform(([instance, startTimeMs, fingerprint, observedAtMs]) => ({
    ...{ id: instance, startTimeMs, fingerprint, observedAtMs },
  }));

const rereading = z.strictObject({ ...window.shape, read: list(window), readAtMs: storedMs });

const expiredEntry = z.strictObject({ id, startTimeMs: storedMs, observedAtMs: storedMs });

const movedInstance = z.tuple([id, storedMs]).transform(([instance, startTimeMs]) => ({ id: instance, startTimeMs }));

const newestStart = z.tuple([id, storedMs]).transform(([taskId, startTimeMs]) => ({ taskId, startTimeMs }));

const lastRun = z.strictObject({
  runId: z.string(),
  mode: z.enum(['incremental', 'backfill', 'maintain']),
  startedAtMs: storedMs,
  committedAtMs: storedMs,
  /** Stays `running` if the run is killed. */
  outcome: z.enum(['running', 'done', 'stopped', 'failed']),
  rowsWritten: z.int(),
  error: z.string().nullable(),
});

/** The fields as stored. Those with a default, or optional, are absent in the first documents of this version. */
export const storedFields = {
  identity: z.strictObject({
    projectId: z.string(),
    workspace: z.string(),
    filter: z.record(z.string(), z.string()),
    partitionTimeZone: z.string(),
  }),
  coverage: list(
    z.strictObject({ ...window.shape, rows: z.int().min(0), isEstimate: z.literal(true).optional() }),
  ).refine(isDisjointAndSorted, {
    error: 'windows overlap or are out of order',
  }),
  incremental: window.nullable(),
  rereading: rereading.nullable(),
  lookbackMs: z.int().min(0).nullable(),
  maxSpanMs: z.int().min(1).nullable(),
  /** Disjoint, in order of time. */
  unproven: list(z.strictObject({ ...window.shape, tries: z.int().min(1), triedAtMs: storedMs })).default([]),
  open: list(openEntry),
  expired: list(expiredEntry).default([]),
  recent: list(recentEntry),
  moved: list(movedInstance).default([]),
  /** The tasks that ran last, oldest first. */
  newestStarts: list(newestStart).default([]),
  newestStartsFromMs: storedMs.nullable().optional(),
  latestObservedMs: storedMs.nullable().default(null),
  quarantined: list(z.strictObject({ fingerprint: z.string(), seenAtMs: storedMs })),
  /** Newest last. */
  commitIds: list(z.string()),
  lastRun: lastRun.nullable(),
};

type Fields = { readonly [name in keyof typeof storedFields]: z.output<(typeof storedFields)[name]> };

/** The state of one target. */
export interface Checkpoint extends Omit<Fields, 'identity' | 'open' | 'newestStartsFromMs'> {
  readonly identity: TargetIdentity;
  readonly open: readonly OpenEntry[];
  /** Tasks that ran last before this may be missing in `newestStarts`; null if none is. */
  readonly newestStartsFromMs: number | null;
}

/** The configuration that a target's coverage is valid for. It never changes under one target name. */
export interface TargetIdentity {
  readonly projectId: string;
  readonly workspace: string;
  readonly filter: TargetFilter;
  readonly partitionTimeZone: string;
}

/** An execution that every run re-checks, however old it is. */
export interface OpenEntry extends Readonly<Omit<z.output<typeof openEntry>, 'execution'>> {
  readonly execution: Execution;
}

/** An execution within the lookback, as it was last written. */
export type RecentEntry = Readonly<z.output<typeof recentEntry>>;

/** The result of the target's last run. */
export type LastRun = Readonly<z.output<typeof lastRun>>;

/** A covered span that is being read again, the parts already read (disjoint, in order of time), and when. */
export type Rereading = Readonly<z.output<typeof rereading>>;

/** An execution that was open for longer than `maxOpenDays`. The table keeps its last state. */
export type ExpiredEntry = Readonly<z.output<typeof expiredEntry>>;

/** An instance that was run again after its execution was covered, and the start of its latest execution. */
export type MovedInstance = Readonly<z.output<typeof movedInstance>>;

/** The newest execution of a task that the table holds. */
export type NewestStart = Readonly<z.output<typeof newestStart>>;

/** Returns the checkpoint of a target that was never synced. */
export function emptyCheckpoint(identity: TargetIdentity): Checkpoint {
  return {
    identity,
    coverage: [],
    incremental: null,
    rereading: null,
    lookbackMs: null,
    maxSpanMs: null,
    unproven: [],
    open: [],
    expired: [],
    recent: [],
    moved: [],
    newestStarts: [],
    newestStartsFromMs: null,
    latestObservedMs: null,
    quarantined: [],
    commitIds: [],
    lastRun: null,
  };
}

/** How far outside a window the source may show rows: requests are 1 ms wider than the window at both ends. */
export const edgeToleranceMs = 2;

/** More than the number of commits that can happen between a lost reply and reading the checkpoint back. */
const keptCommitIds = 50;

/** Returns `commitIds` with `commitId` added, limited to the newest. */
export function withCommitId(commitIds: readonly string[], commitId: string): string[] {
  return [...commitIds, commitId].slice(-keptCommitIds);
}

/** Returns whether windows have a length, do not overlap, and are in order of time. */
export function isDisjointAndSorted(windows: readonly { fromMs: number; toMs: number }[]): boolean {
  return windows.every(
    (window, index) =>
      window.fromMs < window.toMs && (windows[index - 1]?.toMs ?? Number.NEGATIVE_INFINITY) <= window.fromMs,
  );
}
