/** The charts, drawn by Observable Plot as SVG: sharp in print, and their colors follow the theme. */
import { barY, cell, dot, line, plot, ruleY } from '@observablehq/plot';
import { unpackDays, unpackHours } from '../packing.ts';
import type { WorkspaceData } from '../report-data.ts';
import { count, el, percent } from './dom.ts';
import { statusBadge } from './parts.ts';
import { shortDay } from './times.ts';

/** Days with a label on the axis, at most. */
const maxTicks = 10;

interface Day {
  readonly day: string;
  readonly passed: number;
  readonly alarms: number;
  readonly failed: number;
}

/** Adds packed counts up, as rows for a chart. */
export function daysOf(packed: readonly string[], days: readonly string[]): Day[] {
  const sums = days.map((day) => ({ day, passed: 0, alarms: 0, failed: 0 }));
  for (const text of packed) {
    for (const [index, counts] of unpackDays(text).entries()) {
      const sum = sums[index];
      if (sum !== undefined) {
        sum.passed += counts.passed;
        sum.alarms += counts.alarms;
        sum.failed += counts.failed;
      }
    }
  }
  return sums;
}

/** The pass rate of each day, and under it what did not pass. */
export function passRateChart(days: readonly Day[], width: number): Node[] {
  const rated = days
    .map((each) => ({ ...each, runs: each.passed + each.alarms + each.failed }))
    .filter(({ runs }) => runs > 0)
    .map((each) => ({ ...each, rate: (100 * each.passed) / each.runs }));
  const lowest = Math.min(100, ...rated.map(({ rate }) => rate));
  const bad = days.flatMap(({ day, alarms, failed }) => [
    { day, kind: 'Failed', runs: failed },
    { day, kind: 'Alarm', runs: alarms },
  ]);
  const names = days.map(({ day }) => day);
  const x = {
    type: 'band',
    domain: names,
    label: null,
    ticks: everyNth(names, width),
    tickFormat: shortDay,
    tickSize: 0,
  } as const;
  const common = { width, marginLeft: 48, marginRight: 12, style: { fontFamily: 'inherit', fontSize: '12px' } };
  const title = (each: (typeof rated)[number]): string =>
    `${each.day}\n${percent(each.passed, each.runs)} of ${count(each.runs)} passed\n${count(each.failed)} failed, ${count(each.alarms)} alarms`;
  return [
    plot({
      ...common,
      height: 166,
      marginTop: 24,
      marginBottom: 8,
      ariaLabel: 'Pass rate of each day in percent',
      x: { ...x, axis: null },
      y: { domain: [Math.max(0, Math.floor((lowest - 1) / 5) * 5), 100], label: '↑ passed (%)', grid: true, ticks: 4 },
      marks: [
        line(rated, { x: 'day', y: 'rate', stroke: 'var(--passed)', strokeWidth: 2 }),
        dot(rated, { x: 'day', y: 'rate', r: 3, fill: 'var(--passed)', title, tip: true }),
      ],
    }),
    plot({
      ...common,
      height: 150,
      marginTop: 24,
      ariaLabel: 'Executions of each day that did not pass',
      x,
      y: { label: '↑ not passed', grid: true, ticks: 4, nice: true },
      color: { domain: ['Failed', 'Alarm'], range: ['var(--failed)', 'var(--alarm)'] },
      marks: [
        barY(bad, {
          x: 'day',
          y: 'runs',
          fill: 'kind',
          inset: 0.5,
          tip: { format: { x: true, y: count, fill: true } },
        }),
        ruleY([0], { stroke: 'var(--line)' }),
      ],
    }),
    el('p', { class: 'legend' }, statusBadge('FAILED'), statusBadge('ALARMING')),
  ];
}

/** The same figures for those who do not see the chart. */
export function daysTable(days: readonly Day[]): HTMLElement {
  return el(
    'details',
    {},
    el('summary', {}, 'The same as a table'),
    el(
      'table',
      {},
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          ...['Day', 'Passed', 'Alarms', 'Failed', 'Pass rate'].map((head) =>
            el('th', { scope: 'col', class: head === 'Day' ? null : 'number' }, head),
          ),
        ),
      ),
      el(
        'tbody',
        {},
        ...days
          .toReversed()
          .map(({ day, passed, alarms, failed }) =>
            el(
              'tr',
              {},
              el('th', { scope: 'row' }, day),
              ...[count(passed), count(alarms), count(failed), percent(passed, passed + alarms + failed)].map((text) =>
                el('td', { class: 'number' }, text),
              ),
            ),
          ),
      ),
    ),
  );
}

/** Draws the number of executions per hour of each day, or the number of those that do not pass. */
export function scheduleChart(
  workspaces: readonly WorkspaceData[],
  days: readonly string[],
  isBad: boolean,
  width: number,
): Node {
  const sums = new Map<string, { day: string; hour: number; runs: number; bad: number }>();
  for (const { hours } of workspaces) {
    for (const { day, hour, runs, bad } of unpackHours(hours)) {
      const key = `${day}:${hour}`;
      const sum = sums.get(key) ?? { day: days[day] ?? '', hour, runs: 0, bad: 0 };
      sum.runs += runs;
      sum.bad += bad;
      sums.set(key, sum);
    }
  }
  const cells = [...sums.values()].map((each) => ({ ...each, value: isBad ? each.bad : each.runs }));
  const most = Math.max(1, ...cells.map(({ value }) => value));
  return plot({
    width,
    height: 320,
    marginLeft: 48,
    marginRight: 12,
    padding: 0.06,
    style: { fontFamily: 'inherit', fontSize: '12px' },
    ariaLabel: isBad ? 'Executions that did not pass, by day and hour' : 'Executions by day and hour',
    x: {
      type: 'band',
      domain: [...days],
      label: null,
      ticks: everyNth(days, width),
      tickFormat: shortDay,
      tickSize: 0,
    },
    y: {
      type: 'band',
      domain: Array.from({ length: 24 }, (_, hour) => hour),
      label: null,
      ticks: [0, 3, 6, 9, 12, 15, 18, 21],
      tickFormat: (hour: number) => `${String(hour).padStart(2, '0')}:00`,
      tickSize: 0,
    },
    opacity: { type: 'identity' },
    marks: [
      cell(cells, {
        x: 'day',
        y: 'hour',
        rx: 1.5,
        fill: isBad ? 'var(--failed)' : 'var(--accent)',
        // Never quite 0, so that an hour with one run is seen beside one with a thousand.
        fillOpacity: ({ value }) => (value === 0 ? 0.04 : 0.12 + 0.88 * (value / most)),
        title: ({ day, hour, runs, bad }) =>
          `${day} ${String(hour).padStart(2, '0')}:00\n${count(runs)} runs, ${count(bad)} not passed`,
        tip: true,
      }),
    ],
  });
}

function everyNth(days: readonly string[], width: number): string[] {
  const step = Math.ceil(days.length / Math.min(maxTicks, Math.max(2, Math.floor(width / 70))));
  return days.filter((_, index) => (days.length - 1 - index) % step === 0);
}
