/** The parts of the page with charts. */
import type { ReportData, TaskData } from '../report-data.ts';
import { daysOf, daysTable, passRateChart, scheduleChart } from './charts.ts';
import { button, el } from './dom.ts';
import type { Filter } from './filters.ts';

/** The sections of the two charts. */
export interface ChartSections {
  readonly rates: HTMLElement;
  readonly schedule: HTMLElement;
  /** Draws what a filter leaves. @param tasks those that match it */
  show(filter: Filter, tasks: readonly TaskData[]): void;
}

const leastWidth = 280;

/** Makes the charts. They are drawn again when the page's width changes. */
export function chartSections(data: ReportData): ChartSections {
  const rates = el('div', { class: 'chart' });
  const schedule = el('div', { class: 'chart' });
  let showsBad = false;
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
    const isWhole = filter.text === '' && filter.status === '';
    const days = daysOf(isWhole ? places.map((place) => place.days) : tasks.map((task) => task.days), data.days);
    rates.replaceChildren(...passRateChart(days, width), daysTable(days));
    schedule.replaceChildren(scheduleChart(places, data.days, showsBad, width));
  };
  const ofBad = button(
    'Only what did not pass',
    () => {
      showsBad = !showsBad;
      ofBad.setAttribute('aria-pressed', String(showsBad));
      draw();
    },
    { 'aria-pressed': 'false' },
  );
  new ResizeObserver(() => {
    if (Math.max(leastWidth, rates.clientWidth) !== width) {
      draw();
    }
  }).observe(rates);
  return {
    rates,
    schedule: el('div', {}, el('div', { class: 'views' }, ofBad), schedule),
    show: (filter, tasks) => {
      shown = { filter, tasks };
      draw();
    },
  };
}
