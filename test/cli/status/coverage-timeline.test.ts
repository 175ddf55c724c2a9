/** The timeline of coverage, and the list of gaps. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Checkpoint, emptyCheckpoint } from '../../../functions/checkpoint/checkpoint.ts';
import { coverageView, gapLines, rereadingLine, timeline } from '../../../functions/cli/status/coverage-timeline.ts';
import { showTimesIn } from '../../../functions/cli/terminal/formats.ts';
import { newYearMs } from '../../support/builders.ts';

const dayMs = 86_400_000;
const identity = { projectId: 'p', workspace: 'w', filter: {}, partitionTimeZone: 'UTC' };

/** Returns a checkpoint with coverage in days from New Year; incremental runs have covered the last window. */
function covered(spans: readonly (readonly [number, number])[], parts: Partial<Checkpoint> = {}) {
  const coverage = spans.map(([from, to]) => ({
    fromMs: newYearMs + from * dayMs,
    toMs: newYearMs + to * dayMs,
    rows: 1,
  }));
  const last = coverage.at(-1)!;
  return coverageView({ ...emptyCheckpoint(identity), coverage, incremental: last, ...parts }, newYearMs);
}

describe('the timeline', () => {
  it('shows 40 cells from the first day to the watermark, full, half and empty', () => {
    expect(
      timeline(
        covered([
          [0, 10],
          [15, 20.5],
          [21, 40],
        ]),
      ),
    ).toBe(`2026-01-01 ${'█'.repeat(10)}${'░'.repeat(5)}${'█'.repeat(5)}▒${'█'.repeat(19)} 2026-02-10`);
  });

  it('shows a gap however small it is', () => {
    const line = timeline(
      covered([
        [0, 100],
        [100.0001, 400],
      ]),
    );
    expect(line).toContain('▒');
    expect(line!.match(/█/g)).toHaveLength(39);
  });

  it('begins at initialFrom if no window there is covered', () => {
    expect(timeline(covered([[20, 40]]))).toBe(`2026-01-01 ${'░'.repeat(20)}${'█'.repeat(20)} 2026-02-10`);
  });

  it('shows times if it spans less than two days, and still fits into a terminal', () => {
    expect(timeline(covered([[0, 1.5]]))).toBe(`2026-01-01T00:00 ${'█'.repeat(24)} 2026-01-02T12:00`);
  });

  it('names days of the zone of the config', () => {
    showTimesIn('Asia/Shanghai');
    onTestFinished(() => showTimesIn('UTC'));
    const evening = 16 / 24;
    expect(timeline(covered([[evening, evening + 40]]))).toMatch(/^2026-01-01 .* 2026-02-11$/);
  });

  it('is absent before anything is covered', () => {
    expect(timeline(coverageView(emptyCheckpoint(identity), newYearMs))).toBeNull();
    expect(gapLines(coverageView(emptyCheckpoint(identity), newYearMs))).toEqual([]);
  });
});

describe('gaps', () => {
  it('are listed with their length and the command that fills them', () => {
    expect(
      gapLines(
        covered([
          [0, 10],
          [15, 40],
        ]),
      ),
    ).toEqual([
      '2026-01-11T00:00:00Z to 2026-01-16T00:00:00Z (5 days)',
      'later syncs fill them; to fill all now: dqsync backfill',
    ]);
    expect(gapLines(covered([[0, 40]]))).toEqual([]);
  });

  it('are limited to the five longest, sorted by time, with the number of others', () => {
    const spans = Array.from({ length: 8 }, (_, index) => [index * 10, index * 10 + (index === 3 ? 9.5 : 9)] as const);
    const lines = gapLines(covered([...spans, [90, 100]]));
    expect(lines).toHaveLength(7);
    expect(lines[4]).toBe('2026-03-21T00:00:00Z to 2026-04-01T00:00:00Z (11 days)');
    expect(lines.slice(5)).toEqual([
      'and 3 shorter ones, 17 days in all',
      'later syncs fill them; to fill all now: dqsync backfill',
    ]);
  });
});

it('the timeline shows an interrupted re-read with the command to resume it', () => {
  const readAtMs = newYearMs + 40 * dayMs;
  const read = [
    { fromMs: newYearMs, toMs: newYearMs + 9 * dayMs },
    { fromMs: newYearMs + 12 * dayMs, toMs: newYearMs + 13 * dayMs },
  ];
  const rereading = { fromMs: newYearMs, toMs: newYearMs + 31 * dayMs + 1, read, readAtMs };
  expect(rereadingLine(covered([[0, 40]], { rereading }), 'sales')).toBe(
    '2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z is being read again, 32 % done; if that was interrupted, resume it with: dqsync backfill --from 2026-01-01 --to 2026-02-01T00:00:00.001Z --again --target sales',
  );
  expect(rereadingLine(covered([[0, 40]]), 'sales')).toBeNull();
});
