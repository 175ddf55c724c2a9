/** Figures that answer at a glance how things are now. */
import type { TaskData } from '../report-data.ts';
import { count, el, percent } from './dom.ts';
import { isFailing } from './parts.ts';

const dayMs = 86_400_000;

/** The data for the figures. */
export interface OverviewInput {
  readonly tasks: readonly TaskData[];
  readonly asOfMs: number;
}

/** Makes the row of figures. */
export function overview({ tasks, asOfMs }: OverviewInput): HTMLElement[] {
  const sum = (value: (task: TaskData) => number): number => tasks.reduce((total, task) => total + value(task), 0);
  const runs24 = sum((task) => task.runs24);
  const bad24 = sum((task) => task.bad24);
  const runs = sum((task) => task.passed + task.alarms + task.failed);
  const passed = sum((task) => task.passed);
  const failing = tasks.filter(isFailing);
  const isNew = ({ sinceMs, sinceMayBeOlder }: TaskData): boolean =>
    sinceMs !== null && !sinceMayBeOlder && sinceMs > asOfMs - dayMs;
  const fresh = failing.filter(isNew).length;
  const silent24 = sum((task) => task.silent24);
  const stopped = tasks.filter(({ stoppedMs }) => stoppedMs !== null).length;
  return [
    tile(
      'Not passing now',
      count(failing.length),
      `of ${count(tasks.length)} tasks · ${count(fresh)} new in 24 h`,
      failing.length > 0 ? 'failed' : 'passed',
    ),
    tile('Passed, last 24 h', percent(runs24 - bad24, runs24), `${percent(passed, runs)} over all days`, null),
    tile('Silent alarms, last 24 h', count(silent24), 'nobody was notified', silent24 > 0 ? 'alarm' : null),
    tile('Still running', count(sum((task) => task.open)), 'or outcome unknown', null),
    tile('Stopped', count(stopped), 'tasks missed their rhythm', stopped > 0 ? 'alarm' : null),
  ];
}

function tile(label: string, value: string, remark: string, className: string | null): HTMLElement {
  return el(
    'div',
    { class: `tile ${className ?? ''}` },
    el('dt', {}, label),
    el('dd', {}, el('strong', { class: 'value' }, value), el('small', {}, remark)),
  );
}
