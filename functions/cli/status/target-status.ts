/** Derives a target's status, its health and its next run from its checkpoint. Pure. */
import type { Checkpoint, LastRun } from '../../checkpoint/checkpoint.ts';
import { endOf, knownSpan, rowsIn, watermarkOf } from '../../checkpoint/coverage.ts';
import { waitingCount } from '../../checkpoint/pending-results.ts';
import type { PendingResults } from '../../checkpoint/results-document.ts';
import type { RunRecord } from '../../checkpoint/run-history.ts';
import { duration, isoOrNull, isoTime } from '../../clock.ts';
import { gapsIn } from '../../intervals.ts';
import type { EpochMs } from '../../model.ts';
import { maxSkewMs } from '../../sync/clock-skew.ts';
import { nextWindow } from '../../sync/next-window.ts';
import type { SyncSettings } from '../../sync/target-run.ts';
import { paragraph, shownAt } from '../terminal/formats.ts';
import { describeSkew } from '../terminal/source-clock.ts';

/** The status of a target. */
export type TargetStatus = ReturnType<typeof statusOf>;

/** Returns the status of a target at `nowMs`. Field names match `status --json`; times are ISO 8601 in UTC. */
export function statusOf(
  target: string,
  checkpoint: Checkpoint,
  { runs, quarantined, results }: { runs: readonly RunRecord[]; quarantined: number; results: PendingResults },
  settings: Pick<SyncSettings, 'initialFromMs' | 'settleMs' | 'lookbackMs'>,
  nowMs: EpochMs,
) {
  const { coverage, open, expired, lastRun } = checkpoint;
  const watermarkMs = watermarkOf(checkpoint);
  const span = knownSpan(checkpoint, settings.initialFromMs);
  // Windows between `initialFrom` (or the first covered one) and the watermark that were never proven complete.
  const gaps = span === null ? [] : gapsIn(span, coverage);
  const starts = open.filter(({ awaits }) => awaits === 'outcome').map(({ execution }) => execution.startTimeMs);
  const [oldestMs] = edgesOf(starts);
  const next = nextWindow(checkpoint, settings, nowMs - settings.settleMs);
  return {
    target,
    /** End of coverage; null before the first run. */
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
    /** Executions that were open for longer than `maxOpenDays`: no longer re-checked, the table has their last state. */
    expiredExecutions: expired.length,
    ...expiredStarts(expired),
    /** Unreadable rows in the newest files of `quarantine/<target>/`. */
    quarantined,
    results: resultsStatus(results),
    lastRun: lastRun === null ? null : describeRun(lastRun, runs),
    nextRun: {
      /** The window `[from, to)` that it would read now. */
      from: isoTime(next.fromMs),
      to: isoTime(next.toMs),
      /** Number of open executions that it re-checks although they start before its window. */
      looksAgainAt: starts.filter((ms) => ms < next.fromMs).length,
    },
  };
}

/** The checkpoint's own count leaves out the gaps that a sync fills in its remaining time. */
function describeRun({ startedAtMs, committedAtMs, ...run }: LastRun, runs: readonly RunRecord[]) {
  const recorded = runs.find(({ runId }) => runId === run.runId)?.rowsWritten ?? 0;
  const rowsWritten = Math.max(run.rowsWritten, recorded);
  return { ...run, rowsWritten, startedAt: isoTime(startedAtMs), committedAt: isoTime(committedAtMs) };
}

function ageSeconds(ms: EpochMs | null, nowMs: EpochMs): number | null {
  return ms === null ? null : Math.round((nowMs - ms) / 1000);
}

function resultsStatus(results: PendingResults) {
  const { pending, windows, expired, refused } = results;
  const [oldestMs] = edgesOf([
    ...pending.map(({ startTimeMs }) => startTimeMs),
    ...windows.map(({ fromMs }) => fromMs),
  ]);
  return {
    /** Executions that wait for their rule results. */
    waiting: waitingCount(results),
    oldestStart: isoOrNull(oldestMs),
    /** Executions whose results are missing, because every request for them failed. */
    expired: expired.length,
    ...expiredStarts(expired),
    /** Why the source refused the last request. */
    refused: refused === null ? null : { at: isoTime(refused.atMs), message: refused.message },
  };
}

function expiredStarts(expired: readonly { readonly startTimeMs: EpochMs }[]) {
  const [oldestMs, latestMs] = edgesOf(expired.map(({ startTimeMs }) => startTimeMs));
  return { oldestExpiredStart: isoOrNull(oldestMs), latestExpiredStart: isoOrNull(latestMs) };
}

/** Returns the first and the last of some instants. */
function edgesOf(instants: readonly EpochMs[]): readonly [EpochMs | null, EpochMs | null] {
  const sorted = [...instants].sort((a, b) => a - b);
  return [sorted[0] ?? null, sorted.at(-1) ?? null];
}

/** A problem: one word for a table, and a sentence. */
export interface Problem {
  readonly word: 'unreadable' | 'failed' | 'waiting' | 'never run' | 'no state' | 'clock' | 'stale';
  readonly text: string;
}

/**
 * Returns the problem of a target; null if it is healthy.
 *
 * @param maxAgeMs maximum age of the watermark
 * @param skewMs the source's clock less ours; null if unknown
 */
export function problemOf(
  checkpoint: Checkpoint,
  nowMs: EpochMs,
  maxAgeMs: number,
  skewMs: number | null,
): Problem | null {
  const { lastRun } = checkpoint;
  const watermarkMs = watermarkOf(checkpoint);
  if (lastRun?.outcome === 'failed') {
    const ago = `${duration(nowMs - lastRun.committedAtMs)} ago`;
    return {
      word: 'failed',
      text: `the last run failed ${ago}: ${paragraph(lastRun.error ?? 'no reason was recorded')}`,
    };
  }
  if (watermarkMs === null) {
    return lastRun?.error == null
      ? { word: 'never run', text: 'no sync has covered anything yet: run dqsync sync' }
      : { word: 'waiting', text: paragraph(lastRun.error) };
  }
  if (Math.abs(skewMs ?? 0) > maxSkewMs) {
    // Comes before the age of the watermark, which is measured by the clock that may be wrong.
    return {
      word: 'clock',
      text: `${describeSkew(skewMs)}: one of them is wrong; run dqsync doctor`,
    };
  }
  if (nowMs - watermarkMs > maxAgeMs) {
    const age = duration(nowMs - watermarkMs);
    return {
      word: 'stale',
      text: `complete only up to ${shownAt(watermarkMs)}, ${age} ago (limit ${duration(maxAgeMs)})`,
    };
  }
  return null;
}
