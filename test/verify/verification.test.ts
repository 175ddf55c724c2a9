/** Differences between source and table, and the limits of days. */
import { describe, expect, it } from 'vitest';
import type { Window } from '../../functions/model.ts';
import { compareRows, daysIn } from '../../functions/verify/verification.ts';
import { anExecution, newYearMs } from '../support/builders.ts';

const hourMs = 3_600_000;

describe('rows', () => {
  const row = (parts: Parameters<typeof anExecution>[0] = {}, isOfTarget = true) => ({
    ...anExecution(parts),
    isOfTarget,
  });
  const settled = () => false;

  it('are equal if only extra differs', () => {
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

  it('rows with another id or start time count as missing in the table and gone at the source', () => {
    const moved = anExecution({ startTimeMs: newYearMs + 1 });
    expect(compareRows([moved], [row()], settled)).toMatchObject({ missing: 1, different: 0, gone: 1 });
    const neighbor = anExecution({ id: anExecution().id + 1n });
    expect(compareRows([neighbor], [row()], settled)).toMatchObject({ missing: 1, gone: 1 });
  });

  it('rows of another target count as found if the source lists them, and never as gone', () => {
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

  it('have 23 and 25 hours if clocks change, and begin at 01:00 if clocks change at midnight', () => {
    const hours = (from: string, to: string, zone: string) =>
      daysIn({ fromMs: Date.parse(from), toMs: Date.parse(to) }, zone).map((day) => (day.toMs - day.fromMs) / hourMs);
    expect(hours('2026-03-27T23:00:00Z', '2026-03-30T22:00:00Z', 'Europe/Berlin')).toEqual([24, 23, 24]);
    expect(hours('2026-10-23T22:00:00Z', '2026-10-26T23:00:00Z', 'Europe/Berlin')).toEqual([24, 25, 24]);
    expect(hours('2026-04-23T22:00:00Z', '2026-04-25T21:00:00Z', 'Africa/Cairo')).toEqual([23, 24]);
  });

  it('are each listed once and without gaps around every change of the clocks from 2010 to 2037, in every zone', () => {
    const changes = clockChanges();
    expect(changes.length).toBeGreaterThan(2_000);
    const wrong = changes.filter(({ zone, window }) => {
      const days = daysIn(window, zone);
      const isInOrder = days.every(({ day, fromMs }, index) => {
        const before = days[index - 1];
        return before === undefined ? fromMs === window.fromMs : before.day < day && before.toMs === fromMs;
      });
      return !isInOrder || days.at(-1)?.toMs !== window.toMs;
    });
    expect(wrong).toEqual([]);
  });

  it('days of many years are each listed once', () => {
    const days = daysIn({ fromMs: newYearMs, toMs: newYearMs + 1000 * 24 * hourMs }, 'America/Sao_Paulo');
    expect(new Set(days.map(({ day }) => day)).size).toBe(days.length);
    expect(days.length).toBe(1001);
  });
});

/** Returns a window of some days around each change of the clocks. Of zones with the same changes, only one. */
function clockChanges(): { readonly zone: string; readonly window: Window }[] {
  const weekMs = 7 * 24 * hourMs;
  const samples = Array.from({ length: 28 * 52 }, (_, week) => Date.UTC(2010, 0, 1) + week * weekMs);
  const byOffsets = new Map<string, { zone: string; offsets: string[] }>();
  for (const zone of Intl.supportedValuesOf('timeZone')) {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hour: 'numeric', timeZoneName: 'longOffset' });
    const offsets = samples.map((ms) => format.format(ms).split('GMT')[1] ?? '');
    byOffsets.set(offsets.join(), { zone, offsets });
  }
  return [...byOffsets.values()].flatMap(({ zone, offsets }) =>
    samples.flatMap((ms, week) =>
      week > 0 && offsets[week] !== offsets[week - 1]
        ? [{ zone, window: { fromMs: ms - weekMs - 24 * hourMs, toMs: ms + 24 * hourMs } }]
        : [],
    ),
  );
}
