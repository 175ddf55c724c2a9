/** The truth: what a complete copy of the source would contain. */
import type { EpochMs, Execution } from '../../functions/model.ts';
import type { Listing } from './listing.ts';
import { type Entry, stateAt } from './timeline.ts';

/** An execution that the source lists now, in its present state, without the `extra` fields that traps add. */
export interface TrueExecution extends Omit<Execution, 'extra'> {
  /** Whether a complete reply has contained it, in any state. */
  readonly served: boolean;
}

/** An execution that has vanished from the list, in its last state. */
export interface VanishedExecution extends TrueExecution {
  readonly goneAtMs: EpochMs;
  readonly because: 'rerun' | 'removed';
}

/** The content of the source at one instant. */
export interface Truth {
  readonly atMs: EpochMs;
  /** Ordered by start time, then by id. */
  readonly executions: readonly TrueExecution[];
  /** In the order in which they vanished. */
  readonly vanished: readonly VanishedExecution[];
  /** Texts of unreadable rows, one for each listed copy. */
  readonly unreadable: readonly string[];
}

/** Returns the content of `listing` at `nowMs` with start times in `[fromMs, toMs)`. */
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
    executions: listed.filter(({ rawText }) => rawText === null).map((entry) => describe(entry, nowMs)),
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
