/**
 * The last outcome of each task, and the changes that were not announced yet: a document beside the checkpoint.
 *
 * A run writes it before it commits the rows. So a run that is killed between the two loses no change: the next run
 * finds the change here, and reading the rows again adds no other.
 */
import * as z from 'zod';
import type { EpochMs } from '../model.ts';
import { outcomesKey } from '../warehouse/layout.ts';
import type { DocumentKind } from './state-document.ts';
import { storedMs } from './stored-json.ts';

const format = 'dqsync.last-outcomes';
/** Tasks kept, those that ran last: about 3 MB of JSON. */
const keptTasks = 20_000;
/** Changes kept while they cannot be announced, the newest. */
const keptPending = 5_000;

const id = z.string().regex(/^-?\d+$/);
const outcome = z.enum(['SUCCESS', 'ALARMING', 'FAILED']);

const lastOutcome = z.object({
  outcome,
  /** Start and id of the first execution since the outcome last changed. */
  sinceMs: storedMs,
  firstId: id,
  /** The last settled execution. */
  lastMs: storedMs,
  lastId: id,
  /** Executions with this outcome since then. */
  runs: z.int().min(1),
});

const pendingChange = z.object({
  /** Stays the same however often the change is announced: `<task>:<execution id>@<start in ms>`. */
  id: z.string(),
  taskId: z.string().nullable(),
  name: z.string(),
  /** Null if no outcome of the task is known. */
  from: outcome.nullable(),
  to: outcome,
  sinceMs: storedMs,
  inARow: z.int().min(1),
  executionId: id,
});

const document = z.object({
  format: z.literal(format),
  version: z.literal(1),
  /** Executions that started earlier are not announced or counted: they are the history that a first sync reads. */
  announceFromMs: storedMs,
  tasks: z.record(z.string(), lastOutcome),
  pending: z.array(pendingChange),
});

/** The last outcome of a task. */
export type LastOutcome = Readonly<z.output<typeof lastOutcome>>;

/** A change that waits to be announced. */
export type PendingChange = Readonly<z.output<typeof pendingChange>>;

/** The document. */
export interface LastOutcomes {
  readonly announceFromMs: EpochMs;
  /** The last outcome of each task, by its id, or by `name:<name>` if it has none. */
  readonly tasks: ReadonlyMap<string, LastOutcome>;
  readonly pending: readonly PendingChange[];
}

/**
 * Returns the document as stored. It leaves out the tasks and the changes that are too many.
 *
 * @param announceFromMs if there is none
 */
export function lastOutcomesKind(target: string, announceFromMs: EpochMs): DocumentKind<LastOutcomes> {
  return {
    key: outcomesKey(target),
    schema: document.transform((stored) => ({ ...stored, tasks: new Map(Object.entries(stored.tasks)) })),
    empty: { announceFromMs, tasks: new Map(), pending: [] },
    encode: (outcomes) => {
      const kept = [...outcomes.tasks].sort(([, a], [, b]) => b.lastMs - a.lastMs).slice(0, keptTasks);
      const written: z.output<typeof document> = {
        ...{ format, version: 1, ...outcomes },
        tasks: Object.fromEntries(kept),
        pending: outcomes.pending.slice(-keptPending),
      };
      return `${JSON.stringify(written)}\n`;
    },
  };
}
