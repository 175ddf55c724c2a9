/** What a run gathers: a change to the checkpoint, and counts. */

import type { Change } from '../checkpoint/checkpoint.ts';
import type { EpochMs } from '../model.ts';

type Gathered = 'windows' | 'lateStartTimesMs' | 'seen' | 'opened' | 'closed' | 'quarantined';

/** The lists of a change, to be added to. */
export type Draft = { -readonly [key in Gathered]: Change[key][number][] } & { latestObservedMs: EpochMs | null };

/** Nothing gathered yet. */
export function emptyDraft(): Draft {
  return {
    windows: [],
    lateStartTimesMs: [],
    seen: [],
    opened: [],
    closed: [],
    quarantined: [],
    latestObservedMs: null,
  };
}

/** Counts over a whole run. */
export interface Totals {
  rowsWritten: number;
  files: number;
  bytes: number;
  quarantined: number;
  commits: number;
  conflicts: number;
}

/** Nothing counted yet. */
export function noTotals(): Totals {
  return { rowsWritten: 0, files: 0, bytes: 0, quarantined: 0, commits: 0, conflicts: 0 };
}
