/** What proves a day, what differs, where days begin. */
import { describe, expect, it } from 'vitest';
import { compareRows, type DayTally, daysIn, isProvenByCount } from '../../../functions/sync/plan/verification.ts';
import { anExecution, newYearMs } from '../../support/builders.ts';

const hourMs = 3_600_000;
const unknownEdges = { start: false, end: false };
const tally = (rows: number, parts: Partial<DayTally> = {}): DayTally => ({
  rows,
  byStatus: new Map(),
  rowsBefore: 0,
  rowsAfter: 0,
  ...parts,
});

describe('a count proves a day', () => {
  it('that has just as many in the table', () => {
    expect(isProvenByCount(57, 1, tally(57), unknownEdges)).toBe(true);
    expect(isProvenByCount(58, 1, tally(57), unknownEdges)).toBe(false);
    expect(isProvenByCount(null, 1, tally(57), unknownEdges)).toBe(false);
  });

  it('only where it cannot be the number of rows of the page', () => {
    expect(isProvenByCount(1, 1, tally(1), unknownEdges)).toBe(false);
    expect(isProvenByCount(10, 10, tally(10), unknownEdges)).toBe(false);
  });

  it('never by an empty page, which may be a glitch', () => {
    expect(isProvenByCount(0, 0, tally(0), unknownEdges)).toBe(false);
    expect(isProvenByCount(57, 0, tally(57), unknownEdges)).toBe(false);
  });

  it('only where it is no round number, which may be a cap', () => {
    expect(isProvenByCount(10_000, 1, tally(10_000), unknownEdges)).toBe(false);
  });

  it('with the rows at those edges that the source was seen to show', () => {
    const wide = tally(57, { rowsBefore: 2, rowsAfter: 3 });
    expect(isProvenByCount(57, 1, wide, unknownEdges)).toBe(true);
    expect(isProvenByCount(62, 1, wide, { start: true, end: true })).toBe(true);
    expect(isProvenByCount(60, 1, wide, { start: false, end: true })).toBe(true);
    expect(isProvenByCount(57, 1, wide, { start: true, end: true })).toBe(false);
  });
});

describe('rows', () => {
  const row = (parts: Parameters<typeof anExecution>[0] = {}, isOfTarget = true) => ({
    ...anExecution(parts),
    isOfTarget,
  });
  const settled = () => false;

  it('are the same whatever is in extra', () => {
    expect(compareRows([anExecution()], [row({ extra: '{"more":1}' })], settled)).toEqual({
      missing: 0,
      different: 0,
      gone: 0,
      unsettled: 0,
    });
  });

  it.each([
    { name: 'other' },
    { taskId: null },
    { taskType: null },
    { runStatus: 'FAILED' },
    { notifyStatus: 'SUCCESS' },
    { endTimeMs: null },
  ])('differ by %j', (parts) => {
    expect(compareRows([anExecution(parts)], [row()], settled)).toMatchObject({ different: 1, missing: 0, gone: 0 });
    expect(compareRows([anExecution(parts)], [row()], () => true)).toMatchObject({ different: 0, unsettled: 1 });
  });

  it('with another id or start time are missing on one side and gone on the other', () => {
    const moved = anExecution({ startTimeMs: newYearMs + 1 });
    expect(compareRows([moved], [row()], settled)).toMatchObject({ missing: 1, different: 0, gone: 1 });
    const neighbour = anExecution({ id: anExecution().id + 1n });
    expect(compareRows([neighbour], [row()], settled)).toMatchObject({ missing: 1, gone: 1 });
  });

  it('of another target are found, but never gone', () => {
    expect(compareRows([anExecution()], [row({}, false), row({ id: 5n }, false)], settled)).toMatchObject({
      missing: 0,
      gone: 0,
    });
  });
});

describe('days', () => {
  it('are cut at the edges of the window', () => {
    expect(daysIn({ fromMs: newYearMs + hourMs, toMs: newYearMs + 30 * hourMs }, 'UTC')).toEqual([
      { day: '2026-01-01', fromMs: newYearMs + hourMs, toMs: newYearMs + 24 * hourMs },
      { day: '2026-01-02', fromMs: newYearMs + 24 * hourMs, toMs: newYearMs + 30 * hourMs },
    ]);
  });

  it('have 23 and 25 hours where clocks change, and begin at 1 where they change at midnight', () => {
    const hours = (from: string, to: string, zone: string) =>
      daysIn({ fromMs: Date.parse(from), toMs: Date.parse(to) }, zone).map((day) => (day.toMs - day.fromMs) / hourMs);
    expect(hours('2026-03-27T23:00:00Z', '2026-03-30T22:00:00Z', 'Europe/Berlin')).toEqual([24, 23, 24]);
    expect(hours('2026-10-23T22:00:00Z', '2026-10-26T23:00:00Z', 'Europe/Berlin')).toEqual([24, 25, 24]);
    expect(hours('2026-04-23T22:00:00Z', '2026-04-25T21:00:00Z', 'Africa/Cairo')).toEqual([23, 24]);
  });

  it('of many years come each once', () => {
    const days = daysIn({ fromMs: newYearMs, toMs: newYearMs + 1000 * 24 * hourMs }, 'America/Sao_Paulo');
    expect(new Set(days.map(({ day }) => day)).size).toBe(days.length);
    expect(days.length).toBe(1001);
  });
});
