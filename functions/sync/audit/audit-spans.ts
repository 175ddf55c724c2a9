/** Chooses the spans of coverage that an audit compares, with the number of rows recorded for each. Pure. */
import type { Checkpoint } from '../../checkpoint/checkpoint.ts';
import { contains } from '../../intervals.ts';
import type { EpochMs, Window } from '../../model.ts';

/** A span of about a day, and the executions that coverage recorded of it. */
export interface AuditSpan extends Window {
  readonly rows: number;
  /** Whether that is an estimate, because a rewind has cut a window. */
  readonly isEstimate: boolean;
}

const dayMs = 86_400_000;

/**
 * Returns the spans in order of time. A span joins adjacent windows of coverage that begin on one day (UTC), so that
 * tomorrow's spans equal today's.
 *
 * The lookback before the furthest point of incremental runs is left out, because the next run reads it again anyway.
 * Its executions are known one by one (`recent`), so its window can be cut there.
 *
 * @param fromMs windows that end before this are left out
 * @param lookbackMs the configured lookback, for a checkpoint without one
 */
export function auditSpans(recorded: Checkpoint, fromMs: EpochMs, lookbackMs: number): AuditSpan[] {
  const cutMs = (recorded.incremental?.toMs ?? Number.POSITIVE_INFINITY) - (recorded.lookbackMs ?? lookbackMs);
  const spans: AuditSpan[] = [];
  for (const window of recorded.coverage.filter((covered) => covered.toMs > fromMs && covered.fromMs < cutMs)) {
    const { isEstimate = false } = window;
    const young = { fromMs: cutMs, toMs: window.toMs };
    const youngRows = recorded.recent.filter(({ startTimeMs }) => contains(young, startTimeMs)).length;
    const cutRows = Math.max(0, window.rows - youngRows);
    const cut = { fromMs: window.fromMs, toMs: Math.min(window.toMs, cutMs), rows: cutRows, isEstimate };
    const last = spans.at(-1);
    if (last?.toMs === cut.fromMs && dayOf(last) === dayOf(cut)) {
      const rows = last.rows + cut.rows;
      spans[spans.length - 1] = { ...last, toMs: cut.toMs, rows, isEstimate: last.isEstimate || isEstimate };
    } else {
      spans.push(cut);
    }
  }
  return spans;
}

function dayOf({ fromMs }: Window): number {
  return Math.floor(fromMs / dayMs);
}
