/** Figures that answer at a glance how things are now. */
import type { ReportData, TaskData } from '../report-data.ts';
import { count, counted, el, percent } from './dom.ts';
import { isFailing, isNewlyFailing } from './parts.ts';

/** Makes the row of figures. */
export function overview(tasks: readonly TaskData[], data: ReportData): HTMLElement[] {
  const sum = (value: (task: TaskData) => number): number => tasks.reduce((total, task) => total + value(task), 0);
  const runs24 = sum((task) => task.runs24);
  const bad24 = sum((task) => task.bad24);
  const runs = sum((task) => task.passed + task.alarms + task.failed);
  const passed = sum((task) => task.passed);
  const failing = tasks.filter(isFailing);
  const fresh = failing.filter((task) => isNewlyFailing(task, data)).length;
  const silent24 = sum((task) => task.silent24);
  const stopped = tasks.filter(({ stoppedMs }) => stoppedMs !== null).length;
  return [
    tile(
      'Not passing now',
      count(failing.length),
      `of ${counted(tasks.length, 'task')} · ${count(fresh)} new in 24 h`,
      failing.length > 0 ? 'failed' : 'passed',
    ),
    tile('Passed, last 24 h', percent(runs24 - bad24, runs24), `${percent(passed, runs)} over all days`),
    tile('Silent alarms, last 24 h', count(silent24), 'nobody was notified', silent24 > 0 ? 'alarm' : ''),
    tile('Still running', count(sum((task) => task.open)), 'or outcome unknown'),
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
