/** Derives a target's status and next run from its checkpoint. Pure. */
import type { Checkpoint, LastRun } from '../../checkpoint/checkpoint.ts';
import { endOf, knownSpan, rowsIn, watermarkOf } from '../../checkpoint/coverage.ts';
import { type PendingResults, waitingCount } from '../../checkpoint/pending-results.ts';
import { type RunRecord, unfinishedBackfills } from '../../checkpoint/run-history.ts';
import { isoTime, parseTime } from '../../clock.ts';
import { gapsIn, lengthOf } from '../../intervals.ts';
import type { EpochMs } from '../../model.ts';
import { nextWindow } from '../../sync/next-window.ts';
import type { SyncSettings } from '../../sync/target-run.ts';

/** The status of a target. Names are those of `status --json`; times are ISO 8601 in UTC. */
export interface TargetStatus {
  readonly target: string;
  /** End of coverage; null before the first run. */
  readonly watermark: string | null;
  readonly watermarkAgeSeconds: number | null;
  readonly coverage: {
    readonly from: string | null;
    readonly to: string | null;
    readonly rows: number;
    /** Windows between `initialFrom` (or the first covered one) and the watermark that were never proven complete. */
    readonly gaps: readonly { readonly from: string; readonly to: string }[];
  };
  readonly openExecutions: number;
  readonly oldestOpenStart: string | null;
  readonly oldestOpenAgeSeconds: number | null;
  /**
   * Executions that were open for longer than `maxOpenDays`. They are no longer re-checked, and the table keeps their
   * last state.
   */
  readonly expiredExecutions: number;
  readonly oldestExpiredStart: string | null;
  readonly latestExpiredStart: string | null;
  /** Unreadable rows in the newest files of `quarantine/<target>/`. */
  readonly quarantined: number;
  /** Executions that wait for their rule results, the oldest of them, and why the source refused the last request. */
  readonly results: {
    readonly waiting: number;
    readonly oldestStart: string | null;
    /** Executions whose results are missing, because every request for them failed. */
    readonly expired: number;
    readonly oldestExpiredStart: string | null;
    readonly latestExpiredStart: string | null;
    readonly refused: { readonly at: string; readonly message: string } | null;
  };
  /** Backfills that did not finish and whose range is not fully covered. */
  readonly unfinishedBackfills: readonly UnfinishedBackfill[];
  readonly lastRun: {
    readonly runId: string;
    readonly mode: LastRun['mode'];
    readonly outcome: LastRun['outcome'];
    readonly startedAt: string;
    readonly committedAt: string;
    readonly rowsWritten: number;
    readonly error: string | null;
  } | null;
  readonly nextRun: {
    /** The window `[from, to)` that it would read now. */
    readonly from: string;
    readonly to: string;
    /** Number of open executions that it re-checks although they start before its window. */
    readonly looksAgainAt: number;
  };
}

/** A backfill that did not finish. */
export interface UnfinishedBackfill {
  readonly from: string;
  readonly to: string;
  readonly startedAt: string;
  /** Covered share of the range, rounded down. */
  readonly percentCovered: number;
}

/** Other documents of a target that its status is derived from. */
export interface StateBeside {
  readonly runs: readonly RunRecord[];
  readonly quarantined: number;
  readonly results: PendingResults;
}

type StatusSettings = Pick<SyncSettings, 'initialFromMs' | 'settleMs' | 'lookbackMs'>;

/** Returns the status of a target at `nowMs`. */
export function statusOf(
  target: string,
  checkpoint: Checkpoint,
  { runs, quarantined, results }: StateBeside,
  settings: StatusSettings,
  nowMs: EpochMs,
): TargetStatus {
  const { coverage, open, expired, lastRun } = checkpoint;
  const expiredStarts = expired.map(({ startTimeMs }) => startTimeMs).sort((a, b) => a - b);
  const watermarkMs = watermarkOf(checkpoint);
  const span = knownSpan(checkpoint, settings.initialFromMs);
  const gaps = span === null ? [] : gapsIn(span, coverage);
  const starts = open.filter(({ awaits }) => awaits === 'outcome').map(({ execution }) => execution.startTimeMs);
  const oldestMs = starts.length === 0 ? null : starts.reduce((oldest, ms) => Math.min(oldest, ms));
  const next = nextWindow(checkpoint, settings, nowMs - settings.settleMs);
  return {
    target,
    watermark: isoOrNull(watermarkMs),
    watermarkAgeSeconds: ageSeconds(watermarkMs, nowMs),
    coverage: {
      from: isoOrNull(coverage[0]?.fromMs ?? null),
      to: isoOrNull(endOf(coverage)),
      rows: rowsIn(coverage),
      gaps: gaps.map(({ fromMs, toMs }) => ({ from: isoTime(fromMs), to: isoTime(toMs) })),
    },
    openExecutions: starts.length,
    oldestOpenStart: isoOrNull(oldestMs),
    oldestOpenAgeSeconds: ageSeconds(oldestMs, nowMs),
    expiredExecutions: expired.length,
    oldestExpiredStart: isoOrNull(expiredStarts[0] ?? null),
    latestExpiredStart: isoOrNull(expiredStarts.at(-1) ?? null),
    quarantined,
    results: resultsStatus(results),
    unfinishedBackfills: unfinishedOf(runs, checkpoint, watermarkMs ?? nowMs - settings.settleMs - settings.lookbackMs),
    lastRun: lastRun === null ? null : describeRun(lastRun),
    nextRun: {
      from: isoTime(next.fromMs),
      to: isoTime(next.toMs),
      looksAgainAt: open.filter(({ awaits, execution }) => awaits === 'outcome' && execution.startTimeMs < next.fromMs)
        .length,
    },
  };
}

/**
 * Returns unfinished backfills whose range is still not covered; another run may have read it since.
 *
 * @param untilMs the next sync reads what starts later
 */
function unfinishedOf(runs: readonly RunRecord[], { coverage }: Checkpoint, untilMs: EpochMs): UnfinishedBackfill[] {
  return unfinishedBackfills(runs).flatMap(({ from, to, startedAt }) => {
    const fromMs = parseTime(from ?? '');
    const endMs = parseTime(to ?? '');
    if (from === null || to === null || fromMs === null || endMs === null) {
      return [];
    }
    const asked = { fromMs, toMs: Math.min(endMs, untilMs) };
    const missingMs = asked.fromMs < asked.toMs ? lengthOf(gapsIn(asked, coverage)) : 0;
    const percentCovered = Math.floor(100 * (1 - missingMs / (asked.toMs - asked.fromMs)));
    return missingMs === 0 ? [] : [{ from, to, startedAt, percentCovered }];
  });
}

function describeRun({ runId, mode, outcome, startedAtMs, committedAtMs, rowsWritten, error }: LastRun) {
  return {
    runId,
    mode,
    outcome,
    startedAt: isoTime(startedAtMs),
    committedAt: isoTime(committedAtMs),
    rowsWritten,
    error,
  };
}

function isoOrNull(ms: EpochMs | null): string | null {
  return ms === null ? null : isoTime(ms);
}

function ageSeconds(ms: EpochMs | null, nowMs: EpochMs): number | null {
  return ms === null ? null : Math.round((nowMs - ms) / 1000);
}

function resultsStatus(results: PendingResults): TargetStatus['results'] {
  const { pending, windows, expired, refused } = results;
  const starts = [...pending.map(({ startTimeMs }) => startTimeMs), ...windows.map(({ fromMs }) => fromMs)];
  const expiredStarts = expired.map(({ startTimeMs }) => startTimeMs).sort((a, b) => a - b);
  return {
    waiting: waitingCount(results),
    oldestStart: isoOrNull(starts.length === 0 ? null : starts.reduce((oldest, ms) => Math.min(oldest, ms))),
    expired: expired.length,
    oldestExpiredStart: isoOrNull(expiredStarts[0] ?? null),
    latestExpiredStart: isoOrNull(expiredStarts.at(-1) ?? null),
    refused: refused === null ? null : { at: isoTime(refused.atMs), message: refused.message },
  };
}
