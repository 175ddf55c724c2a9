/** Lists all tasks, ordered by failures, duration, slowdown or time since the last run. */
import type { ReportData, TaskData } from '../report-data.ts';
import { button, el, percent } from './dom.ts';
import { durationOrDash, figureColumn, moment, taskColumns } from './parts.ts';
import { type Column, makeTable, type Table } from './table.ts';
import { taskDetails } from './task-details.ts';
import { duration, type Times } from './times.ts';

/** A task is slowing if its runs take longer than before by this factor, and at least by this much. */
const slowingFactor = 1.5;
const slowingMs = 5_000;

const bad = ({ alarms, failed }: TaskData): number => alarms + failed;
const settled = ({ passed, alarms, failed }: TaskData): number => passed + alarms + failed;

function isSlowing({ slowdown, slowerMs }: TaskData): boolean {
  return (slowdown ?? 0) >= slowingFactor && (slowerMs ?? 0) >= slowingMs;
}

interface View {
  readonly name: string;
  readonly remark: string;
  readonly holds: (task: TaskData) => boolean;
  readonly rank: (task: TaskData) => number;
}

const views: readonly View[] = [
  {
    name: 'Failing most',
    remark: 'Ordered by the number of runs that did not pass.',
    holds: (task) => bad(task) > 0,
    rank: bad,
  },
  {
    name: 'Slowest',
    remark: 'Ordered by the time within which 95 % of the runs end.',
    holds: ({ p95Ms }) => p95Ms !== null,
    rank: ({ p95Ms }) => p95Ms ?? 0,
  },
  {
    name: 'Slowing',
    remark:
      'The median duration in the last quarter of the days shown is at least 1.5 times the median before, and at least 5 s longer.',
    holds: isSlowing,
    rank: ({ slowdown }) => slowdown ?? 0,
  },
  {
    name: 'Stopped',
    remark:
      'Tasks that have not run for more than twice their longest pause in the days shown, and for more than 3 days if their runs there span less than a week.',
    holds: ({ stoppedMs }) => stoppedMs !== null,
    rank: ({ stoppedMs }) => stoppedMs ?? 0,
  },
  { name: 'All', remark: 'Ordered by the last run, newest first.', holds: () => true, rank: ({ lastMs }) => lastMs },
];

/** Makes the buttons of the views and the table under them. */
export function taskSection(data: ReportData, times: Times): Pick<Table<TaskData>, 'element' | 'show' | 'expand'> {
  const table = taskTable(data, times);
  const remark = el('p', { class: 'remark' });
  let tasks: readonly TaskData[] = [];
  let chosen = views[0];
  const buttons = views.map((view) =>
    button(view.name, () => {
      chosen = view;
      table.unsort();
      render();
    }),
  );
  const render = (): void => {
    for (const [index, view] of views.entries()) {
      const rows = tasks.filter(view.holds);
      const control = buttons[index];
      control?.replaceChildren(`${view.name} `, el('span', { class: 'amount' }, String(rows.length)));
      control?.setAttribute('aria-pressed', String(view === chosen));
      if (view === chosen) {
        remark.textContent = view.remark;
        table.show(rows.sort((a, b) => view.rank(b) - view.rank(a)));
      }
    }
  };
  return {
    element: el(
      'div',
      {},
      el('div', { class: 'views', role: 'group', 'aria-label': 'Which tasks' }, ...buttons),
      remark,
      table.element,
    ),
    show: (next) => {
      tasks = next;
      render();
    },
    expand: table.expand,
  };
}

function durationColumn(
  label: string,
  value: (task: TaskData) => number | null,
  remark: (task: TaskData) => string | null = () => null,
): Column<TaskData> {
  const cell = (task: TaskData): Node => withRemark(durationOrDash(value(task)), remark(task));
  return { label, sortBy: (task) => value(task) ?? -1, cell, isNumber: true, isMinor: true };
}

function slowdownOf(task: TaskData): string | null {
  return isSlowing(task) ? `× ${task.slowdown?.toFixed(1)}` : null;
}

/** A value, with a warning under it. */
function withRemark(value: Node | string, remark: string | null): HTMLElement {
  return el('span', {}, value, remark === null ? null : el('small', { class: 'under warning' }, remark));
}

function taskTable(data: ReportData, times: Times): Table<TaskData> {
  const { name, status, lastRuns } = taskColumns(data, times);
  return makeTable<TaskData>({
    caption: 'Tasks',
    rowName: 'task',
    firstRows: 15,
    empty: 'No such tasks.',
    columns: [
      name,
      status,
      lastRuns,
      {
        label: 'Not passed',
        sortBy: bad,
        cell: (task) =>
          el('span', { class: bad(task) === 0 ? 'zero' : null }, `${bad(task)} · ${percent(bad(task), settled(task))}`),
        isNumber: true,
      },
      figureColumn('Runs', settled, true),
      durationColumn('Median', ({ p50Ms }) => p50Ms, slowdownOf),
      durationColumn('95 % within', ({ p95Ms }) => p95Ms),
      {
        label: 'Last run',
        sortBy: ({ lastMs }) => lastMs,
        cell: ({ lastMs, stoppedMs }) =>
          withRemark(moment(lastMs, times), stoppedMs === null ? null : `none for ${duration(stoppedMs)}`),
        isNumber: true,
      },
    ],
    details: (task) => taskDetails(task, data, times),
  });
}
