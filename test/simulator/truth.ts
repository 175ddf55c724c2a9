/**
 * What the source holds: what a perfect copy of it would show.
 */
import type { EpochMs, Execution } from '../../functions/model.ts';
import type { Listing } from './listing.ts';
import { type Entry, stateAt } from './timeline.ts';

/** An execution that the source lists now, in its present state. `extra` is the traps' business, not the truth's. */
export interface TrueExecution extends Omit<Execution, 'extra'> {
  /** Whether a whole reply ever carried it, in whatever state. */
  readonly served: boolean;
}

/** An execution that was listed once and is no longer; its last state. */
export interface VanishedExecution extends TrueExecution {
  readonly goneAtMs: EpochMs;
  readonly because: 'rerun' | 'removed';
}

/** The source's holdings at one instant. */
export interface Truth {
  readonly atMs: EpochMs;
  /** Ordered by start time, then by id. */
  readonly executions: readonly TrueExecution[];
  /** In order of their going. */
  readonly vanished: readonly VanishedExecution[];
  /** Texts of the rows that are no executions, one for each listed copy. */
  readonly unreadable: readonly string[];
}

/** Returns what `listing` holds at `nowMs` with a start time in `[fromMs, toMs)`. */
export function truthOf(
  listing: Listing,
  nowMs: EpochMs,
  span: { readonly fromMs?: EpochMs; readonly toMs?: EpochMs } = {},
): Truth {
  const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY } = span;
  const listed = listing.live.slice(listing.indexAt(fromMs, 'at-or-after'), listing.indexAt(toMs, 'at-or-after'));
  const vanished = listing.vanished.filter((entry) => entry.startTimeMs >= fromMs && entry.startTimeMs < toMs);
  return {
    atMs: nowMs,
    executions: [...new Set(listed)].filter(({ rawText }) => rawText === null).map((entry) => describe(entry, nowMs)),
    vanished: vanished.map((entry) => ({
      ...describe(entry, entry.goneAtMs),
      goneAtMs: entry.goneAtMs,
      because: entry.goneBecause ?? 'removed',
    })),
    unreadable: listed.flatMap((entry) => (entry.rawText === null ? [] : [entry.rawText])),
  };
}

function describe(entry: Entry, atMs: EpochMs): TrueExecution {
  const state = stateAt(entry, atMs);
  return {
    id: BigInt(entry.idText),
    name: entry.task.name,
    taskId: BigInt(entry.task.taskId),
    taskType: entry.task.taskType,
    runStatus: state.runStatus,
    notifyStatus: state.notifyStatus,
    startTimeMs: entry.startTimeMs,
    endTimeMs: state.endTimeMs,
    served: entry.served,
  };
}
