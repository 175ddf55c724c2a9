/** From what a run did to the summary that is promised to the outside. */
import { isoTime } from '../clock.ts';
import type { DqsyncError } from '../errors.ts';
import type { EpochMs } from '../model.ts';
import { watermarkOf } from './plan/coverage.ts';
import { type Summary, summaryError } from './plan/summary.ts';
import type { Recorder } from './recorder.ts';
import type { TargetRun } from './target-run.ts';

/** A run under way. */
export interface RunState {
  /** Null until the checkpoint was loaded. */
  recorder: Recorder | null;
  fromMs: EpochMs | null;
  untilMs: EpochMs | null;
  /** How far reading is proven. */
  atMs?: EpochMs;
  rowsRead: number;
  done: boolean;
  error: DqsyncError | null;
  /** A commit threw: there is no point in another. */
  commitFailed?: boolean;
}

/** The summary of a run that has ended. */
export function summarize(run: TargetRun, state: RunState, mode: Summary['mode']): Summary {
  const { requests, throttled, retries } = run.source.stats();
  const checkpoint = state.recorder?.checkpoint;
  const watermarkMs = checkpoint === undefined ? null : watermarkOf(checkpoint.coverage);
  const totals = state.recorder?.totals;
  return {
    target: run.target.name,
    mode,
    from: isoOrNull(state.fromMs),
    to: isoOrNull(state.untilMs),
    watermark: isoOrNull(watermarkMs),
    done: state.done,
    rowsRead: state.rowsRead,
    rowsWritten: totals?.rowsWritten ?? 0,
    files: totals?.files ?? 0,
    bytes: totals?.bytes ?? 0,
    requests,
    throttled,
    retries,
    openExecutions: checkpoint?.open.filter((entry) => entry.awaits === 'outcome').length ?? 0,
    quarantined: totals?.quarantined ?? 0,
    ...(state.error === null ? {} : { error: summaryError(state.error, isoTime) }),
  };
}

function isoOrNull(ms: EpochMs | null): string | null {
  return ms === null ? null : isoTime(ms);
}
