/**
 * The parts of the page with charts. Observable Plot draws them as SVG: sharp in print, and their colors follow the
 * theme.
 */
import { barY, cell, dot, line, plot, ruleY } from '@observablehq/plot';
import { sumOfDays } from '../day-counts.ts';
import type { ReportData, TaskData, WorkspaceData } from '../report-data.ts';
import { count, el, percent } from './dom.ts';
import type { Filter } from './filters.ts';
import { statusBadge } from './parts.ts';
import { type Column, cellsOf, headerOf, headOf } from './table.ts';
import { shortDay } from './times.ts';

/** The sections of the two charts. */
export interface ChartSections {
  readonly rates: HTMLElement;
  readonly schedule: HTMLElement;
  /** Draws what a filter leaves. @param tasks those that match it */
  show(filter: Filter, tasks: readonly TaskData[]): void;
}

interface Day {
  readonly day: string;
  readonly passed: number;
  readonly alarms: number;
  readonly failed: number;
}

const leastWidth = 280;

/** Days with a label on the axis, at most. */
const maxTicks = 10;

/** Makes the charts. They are drawn again when the page's width changes. */
export function chartSections(data: ReportData): ChartSections {
  const rates = el('div', { class: 'chart' });
  const schedule = el('div', { class: 'chart' });
  let shown: { readonly filter: Filter; readonly tasks: readonly TaskData[] } | null = null;
  let width = 0;

  const draw = (): void => {
    if (shown === null) {
      return;
    }
    const { filter, tasks } = shown;
    width = Math.max(leastWidth, rates.clientWidth);
    const places = data.workspaces.filter((_, index) => filter.w === null || filter.w === index);
    // The workspaces' own counts include tasks that have no row.
    const counted = filter.text === '' && filter.status === '' ? places : tasks;
    const sums = sumOfDays(
      counted.map((each) => each.days),
      data.days.length,
    );
    const days = sums.map(
      ([passed, alarms, failed], index): Day => ({ day: data.days[index] ?? '', passed, alarms, failed }),
    );
    rates.replaceChildren(...passRateChart(days, width), daysTable(days));
    schedule.replaceChildren(scheduleChart(places, data.days, width));
  };
  new ResizeObserver(() => {
    if (Math.max(leastWidth, rates.clientWidth) !== width) {
      draw();
    }
  }).observe(rates);
  return {
    rates,
    schedule,
    show: (filter, tasks) => {
      shown = { filter, tasks };
      draw();
    },
  };
}

/** What all charts have in common. */
function frame(width: number) {
  return { width, marginLeft: 48, marginRight: 12, style: { fontFamily: 'inherit', fontSize: '12px' } };
}

/** A band for each day. */
function dayAxis(days: readonly string[], width: number) {
  const step = Math.ceil(days.length / Math.min(maxTicks, Math.max(2, Math.floor(width / 70))));
  const ticks = days.filter((_, index) => (days.length - 1 - index) % step === 0);
  return { type: 'band', domain: [...days], label: null, ticks, tickFormat: shortDay, tickSize: 0 } as const;
}

function runsOf({ passed, alarms, failed }: Day): number {
  return passed + alarms + failed;
}

/** The reason why there is no chart. */
function noChart(reason: string): HTMLElement {
  return el('p', { class: 'empty' }, reason);
}

/** The pass rate of each day, and under it what did not pass. */
function passRateChart(days: readonly Day[], width: number): Node[] {
  if (days.every((each) => runsOf(each) === 0)) {
    return [noChart('No run has ended in these days.')];
  }
  const rated = days
    .filter((each) => runsOf(each) > 0)
    .map((each) => ({ ...each, rate: (100 * each.passed) / runsOf(each) }));
  const lowest = Math.min(100, ...rated.map(({ rate }) => rate));
  const bad = days.flatMap(({ day, alarms, failed }) => [
    { day, kind: 'Failed', runs: failed },
    { day, kind: 'Alarm', runs: alarms },
  ]);
  const most = Math.max(1, ...days.map(({ alarms, failed }) => alarms + failed));
  const x = dayAxis(
    days.map(({ day }) => day),
    width,
  );
  const title = (each: Day): string =>
    `${each.day}\n${percent(each.passed, runsOf(each))} of ${count(runsOf(each))} passed\n${count(each.failed)} failed, ${count(each.alarms)} alarms`;
  return [
    plot({
      ...frame(width),
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
      ...frame(width),
      height: 150,
      marginTop: 24,
      ariaLabel: 'Executions of each day that did not pass',
      x,
      // A domain of its own: without failures, the bars' own would be empty and each bar as high as the chart.
      y: { domain: [0, most], label: '↑ not passed', grid: true, ticks: Math.min(4, most), nice: true },
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

/** The same figures as a table, for screen readers. */
function daysTable(days: readonly Day[]): HTMLElement {
  const figures: readonly Column<Day>[] = [
    { label: 'Passed', cell: ({ passed }) => count(passed), isNumber: true },
    { label: 'Alarms', cell: ({ alarms }) => count(alarms), isNumber: true },
    { label: 'Failed', cell: ({ failed }) => count(failed), isNumber: true },
    { label: 'Pass rate', cell: (each) => percent(each.passed, runsOf(each)), isNumber: true },
  ];
  const heads = [el('th', { scope: 'col' }, 'Day'), ...figures.map((column) => headerOf(column))];
  const rows = days
    .toReversed()
    .map((each) => el('tr', {}, el('th', { scope: 'row' }, each.day), ...cellsOf(each, figures)));
  const table = el('table', {}, headOf(heads), el('tbody', {}, ...rows));
  return el('details', {}, el('summary', {}, 'The same as a table'), table);
}

/** Draws the number of executions per hour of each day. */
function scheduleChart(workspaces: readonly WorkspaceData[], days: readonly string[], width: number): Node {
  const sums = new Map<string, { day: string; hour: number; runs: number; bad: number }>();
  for (const { hours } of workspaces) {
    for (const { day, hour, runs, bad } of hours) {
      const key = `${day}:${hour}`;
      const sum = sums.get(key) ?? { day: days[day] ?? '', hour, runs: 0, bad: 0 };
      sum.runs += runs;
      sum.bad += bad;
      sums.set(key, sum);
    }
  }
  if (sums.size === 0) {
    return noChart('No run has started in these days.');
  }
  const cells = [...sums.values()];
  const most = Math.max(...cells.map(({ runs }) => runs));
  const timeOf = (hour: number): string => `${String(hour).padStart(2, '0')}:00`;
  return plot({
    ...frame(width),
    height: 320,
    padding: 0.06,
    ariaLabel: 'Executions by day and hour',
    x: dayAxis(days, width),
    y: {
      type: 'band',
      domain: Array.from({ length: 24 }, (_, hour) => hour),
      label: null,
      ticks: [0, 3, 6, 9, 12, 15, 18, 21],
      tickFormat: timeOf,
      tickSize: 0,
    },
    opacity: { type: 'identity' },
    marks: [
      cell(cells, {
        x: 'day',
        y: 'hour',
        rx: 1.5,
        fill: 'var(--accent)',
        // Never quite 0, so that an hour with one run is seen beside one with a thousand.
        fillOpacity: ({ runs }) => 0.12 + 0.88 * (runs / most),
        title: ({ day, hour, runs, bad }) => `${day} ${timeOf(hour)}\n${count(runs)} runs, ${count(bad)} not passed`,
        tip: true,
      }),
    ],
  });
}
