/** Shows coverage on the terminal: a timeline, its gaps, and an interrupted re-read. Pure. */

import type { Checkpoint } from '../../checkpoint/checkpoint.ts';
import { knownSpan } from '../../checkpoint/coverage.ts';
import { duration } from '../../clock.ts';
import { gapsIn, lengthOf } from '../../intervals.ts';
import type { Window } from '../../model.ts';
import { argumentAt, counted, shownAt } from '../terminal/formats.ts';

/** Number of cells in the timeline; with times, fewer fit into 80 columns. */
const columns = { ofDays: 40, ofTimes: 24 };
/** Maximum number of gaps listed; the longest ones. */
const shownGaps = 5;
const dayMs = 86_400_000;

/** The parts of a checkpoint that the lines about coverage show. */
export type CoverageView = ReturnType<typeof coverageView>;

/** Returns these parts. `span` is the span that should have no gaps; it is null before anything is covered. */
export function coverageView(checkpoint: Checkpoint, initialFromMs: number) {
  const { coverage, rereading } = checkpoint;
  return { span: knownSpan(checkpoint, initialFromMs), coverage, rereading };
}

/**
 * Draws `2026-01-01 ████████▒░░████ 2026-11-24`; for less than two days with times, in the zone of the config. A cell
 * is `░` if none of it is covered, `▒` if some of it is not. Null without coverage.
 */
export function timeline({ span, coverage }: CoverageView): string | null {
  if (span === null) {
    return null;
  }
  const lengthMs = span.toMs - span.fromMs;
  const areTimes = lengthMs < 2 * dayMs;
  const cells = Math.max(1, Math.min(areTimes ? columns.ofTimes : columns.ofDays, lengthMs));
  const edge = (cell: number): number => span.fromMs + Math.floor((cell * lengthMs) / cells);
  const line = Array.from({ length: cells }, (_, cell) =>
    cellOf({ fromMs: edge(cell), toMs: edge(cell + 1) }, coverage),
  );
  const label = (ms: number): string => shownAt(ms).slice(0, areTimes ? 16 : 10);
  return `${label(span.fromMs)} ${line.join('')} ${label(span.toMs)}`;
}

/** Lists the longest gaps in order of time, the number of others, and the command that fills them; empty if none. */
export function gapLines({ span, coverage }: CoverageView): string[] {
  const gaps = span === null ? [] : gapsIn(span, coverage);
  if (gaps.length === 0) {
    return [];
  }
  const shown = [...gaps]
    .sort((a, b) => lengthOf([b]) - lengthOf([a]))
    .slice(0, shownGaps)
    .sort((a, b) => a.fromMs - b.fromMs);
  const more = gaps.length - shown.length;
  const rest = more === 0 ? [] : [`and ${counted(more, 'shorter one')}, ${duration(lengthOf(gaps))} in all`];
  const lines = shown.map((gap) => `${shownAt(gap.fromMs)} to ${shownAt(gap.toMs)} (${duration(lengthOf([gap]))})`);
  return [...lines, ...rest, 'later syncs fill them; to fill all now: dqsync backfill'];
}

/**
 * Describes an interrupted re-read and how to resume it; null without one.
 *
 * @param target its name
 */
export function rereadingLine({ rereading }: CoverageView, target: string): string | null {
  if (rereading === null) {
    return null;
  }
  const { fromMs, toMs, read } = rereading;
  const percent = Math.floor((100 * lengthOf(read)) / (toMs - fromMs));
  const range = `${shownAt(fromMs)} to ${shownAt(toMs)}`;
  // Only the same range resumes a re-read.
  const command = `dqsync backfill --from ${argumentAt(fromMs)} --to ${argumentAt(toMs)} --again --target ${target}`;
  return `${range} is being read again, ${percent} % done; if that was interrupted, resume it with: ${command}`;
}

function cellOf(cell: Window, coverage: readonly Window[]): string {
  const uncoveredMs = lengthOf(gapsIn(cell, coverage));
  if (uncoveredMs === 0) {
    return '█';
  }
  return uncoveredMs < cell.toMs - cell.fromMs ? '▒' : '░';
}
