/** Compacts the settled days of one target, newest first, until its time is over. */
import { type Clock, dayInTimeZone } from '../clock.ts';
import { type DqsyncError, StoppedError, toDqsyncError } from '../errors.ts';
import type { Target, Window } from '../model.ts';
import type { TablePartition } from '../warehouse/layout.ts';
import type { ListedObject, Store } from '../warehouse/store.ts';
import { type CompactedDay, type CompactionLimits, compactDay, type DayCompaction } from './compact-day.ts';
import { type DayFiles, daysOf } from './day-files.ts';
import { GatheredRows } from './gathered-rows.ts';
import { type CompactedTable, compactedTables } from './tables.ts';

export interface Compaction {
  readonly target: Pick<Target, 'name' | 'workspace'>;
  readonly settings: { readonly partitionTimeZone: string; readonly lookbackMs: number; readonly maxOpenMs: number };
  readonly store: Store;
  readonly clock: Clock;
  readonly stop: AbortSignal;
  /** Time left, in ms. Asked before each file that is read. */
  readonly remainingMs: () => number;
  /** Only days that this window touches. Default: all. */
  readonly window?: Window | undefined;
  /** Default: days with more than 8 files; for each new file 40 MB of memory and 100 MB of replaced files. */
  readonly limits?: CompactionLimits;
  /** Whether to change nothing, and only report what would be done. */
  readonly isDryRun?: boolean;
  readonly onDay?: (day: CompactedDay, progress: { readonly done: number; readonly total: number }) => void;
}

/** A day that could not be compacted, for example because one of its files is damaged. Its files stay as they are. */
export interface FailedDay extends TablePartition {
  readonly error: DqsyncError;
}

export interface CompactionResult {
  readonly target: string;
  /** The days compacted, in the order in which that was done. */
  readonly days: readonly CompactedDay[];
  readonly failed: readonly FailedDay[];
  /** Whether all days were checked. If not, the next compaction continues. */
  readonly done: boolean;
}

/** After this many failed days, the problem is not one of their files. */
const maxFailedDays = 3;

/** How long replaced files of a folder are kept for queries that have them open or listed. */
const keptAsideMs = 2 * 86_400_000;

/**
 * Compacts each settled day with more than 8 files into one file per 100 MB. A settled day is older than the lookback
 * and `maxOpenDays`, so scheduled runs no longer write to it. Correctness does not depend on this, because files that
 * appear in the meantime stay. A failed day does not stop the others; the third one does.
 *
 * @throws StorageError if the warehouse cannot be listed
 */
export async function compactTarget(compaction: Compaction): Promise<CompactionResult> {
  const { store, clock, target, isDryRun = false } = compaction;
  const outcome: Outcome = { days: [], failed: [] };
  const work = {
    store,
    clock,
    isDryRun,
    limits: compaction.limits,
    checkTime: () => {
      if (compaction.stop.aborted || compaction.remainingMs() <= 0) {
        throw new StoppedError('the compaction was stopped', {
          remedy: 'Nothing to do: the next compaction continues.',
        });
      }
    },
  };
  try {
    for (const table of compactedTables) {
      work.checkTime();
      await compactTable(compaction, { ...work, table, rows: new GatheredRows(table) }, outcome);
    }
    if (!isDryRun) {
      await store.removeSetAside(keptAsideMs);
    }
    return { target: target.name, ...outcome, done: true };
  } catch (thrown) {
    if (thrown instanceof StoppedError) {
      return { target: target.name, ...outcome, done: false };
    }
    throw thrown;
  }
}

interface Outcome {
  readonly days: CompactedDay[];
  readonly failed: FailedDay[];
}

async function compactTable(compaction: Compaction, work: DayCompaction, { days, failed }: Outcome): Promise<void> {
  const settled = await settledDays(compaction, work.table);
  for (const [index, day] of settled.entries()) {
    work.checkTime();
    try {
      const result = await compactDay(work, day);
      if (result !== null) {
        days.push(result);
        compaction.onDay?.(result, { done: index + 1, total: settled.length });
      }
    } catch (thrown) {
      const error = toDqsyncError(thrown, compaction.target.name);
      if (error instanceof StoppedError) {
        throw error;
      }
      failed.push({ table: work.table.name, workspace: day.workspace, dt: day.dt, error });
      if (failed.length === maxFailedDays) {
        throw new StoppedError('too many days could not be compacted', { remedy: error.remedy });
      }
    }
  }
}

/** Returns the days to check, newest first, because they are queried most. */
async function settledDays(
  { store, clock, target, settings, window }: Compaction,
  table: CompactedTable,
): Promise<DayFiles[]> {
  const dayOf = dayInTimeZone(settings.partitionTimeZone);
  const firstUnsettled = dayOf(clock.now() - settings.lookbackMs - settings.maxOpenMs);
  const [from, to] = window === undefined ? ['', '9'] : [dayOf(window.fromMs), dayOf(window.toMs - 1)];
  const files: ListedObject[] = await Array.fromAsync(store.list(`${table.name}/workspace=${target.workspace}/`));
  return daysOf(files)
    .filter(({ dt }) => dt < firstUnsettled && from <= dt && dt <= to)
    .reverse();
}
