/** What a checkpoint tells about a target, and what its next run will do. Pure. */
import type { Checkpoint, LastRun } from '../../checkpoint/checkpoint.ts';
import { endOf, knownSpan, rowsIn, watermarkOf } from '../../checkpoint/coverage.ts';
import { isoTime } from '../../clock.ts';
import { gapsIn } from '../../intervals.ts';
import type { EpochMs } from '../../model.ts';
import { nextWindow } from '../../sync/next-window.ts';
import type { SyncSettings } from '../../sync/target-run.ts';

/** How far a target is. Names are those of `status --json`; times are ISO 8601 in UTC. */
export interface TargetStatus {
  readonly target: string;
  /** End of coverage; null before the first run. */
  readonly watermark: string | null;
  readonly watermarkAgeSeconds: number | null;
  readonly coverage: {
    readonly from: string | null;
    readonly to: string | null;
    readonly rows: number;
    /** Windows between `initialFrom` (or the first one covered) and the watermark that were never proven complete. */
    readonly gaps: readonly { readonly from: string; readonly to: string }[];
  };
  readonly openExecutions: number;
  readonly oldestOpenStart: string | null;
  readonly oldestOpenAgeSeconds: number | null;
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
    /** What it will read, `[from, to)`, if it ran now. */
    readonly from: string;
    readonly to: string;
    /** Open executions that it will ask for again, though they started before what it reads. */
    readonly looksAgainAt: number;
  };
}

/** The status of a target at `nowMs`. */
export function statusOf(
  target: string,
  checkpoint: Checkpoint,
  settings: Pick<SyncSettings, 'initialFromMs' | 'settleMs' | 'lookbackMs'>,
  nowMs: EpochMs,
): TargetStatus {
  const { coverage, open, lastRun } = checkpoint;
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
    lastRun: lastRun === null ? null : describeRun(lastRun),
    nextRun: {
      from: isoTime(next.fromMs),
      to: isoTime(next.toMs),
      looksAgainAt: open.filter(({ awaits, execution }) => awaits === 'outcome' && execution.startTimeMs < next.fromMs)
        .length,
    },
  };
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
