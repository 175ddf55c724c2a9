/** Figures that show the present state at a glance. */
import type { Totals } from '../report-data.ts';
import { count, counted, el, percent } from './dom.ts';

/** Makes the row of figures. @param all of disjoint tasks */
export function overview(all: readonly Totals[]): HTMLElement[] {
  const sum = (name: keyof Totals): number => all.reduce((total, each) => total + each[name], 0);
  const [failing, silent24, stopped] = [sum('failing'), sum('silent24'), sum('stopped')];
  return [
    tile(
      'Not passing now',
      count(failing),
      `of ${counted(sum('tasks'), 'task')} · ${count(sum('newlyFailing'))} new in 24 h`,
      failing > 0 ? 'failed' : 'passed',
    ),
    tile(
      'Passed, last 24 h',
      percent(sum('runs24') - sum('bad24'), sum('runs24')),
      `${percent(sum('passed'), sum('settled'))} over all days`,
    ),
    tile('Silent alarms, last 24 h', count(silent24), 'nobody was notified', silent24 > 0 ? 'alarm' : ''),
    tile('Still running', count(sum('open')), 'or outcome unknown'),
    tile('Stopped', count(stopped), 'overdue tasks', stopped > 0 ? 'alarm' : ''),
  ];
}

function tile(label: string, value: string, remark: string, className = ''): HTMLElement {
  return el(
    'div',
    { class: 'tile' },
    el('dt', {}, label),
    el('dd', {}, el('strong', { class: `value ${className}` }, value), el('small', {}, remark)),
  );
}
