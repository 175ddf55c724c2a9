/** Shows what failed in the last 24 hours, the question for which most people open the page. */
import type { ReportData, TaskData } from '../report-data.ts';
import { el } from './dom.ts';
import { figure, isFailing, since, statusBadge, strip, taskName } from './parts.ts';
import { makeTable, type Table } from './table.ts';
import { taskDetails } from './task-details.ts';
import type { Times } from './times.ts';

const dayMs = 86_400_000;

/** The result of a task's last day, in order of urgency. */
const kinds = ['New', 'Ongoing', 'Recovered'] as const;
type Kind = (typeof kinds)[number];

/** Makes the table. */
export function nightTable(data: ReportData, times: Times): Table<TaskData> {
  const kindOf = (task: TaskData): Kind =>
    !isFailing(task)
      ? 'Recovered'
      : !task.sinceMayBeOlder && (task.sinceMs ?? 0) > data.asOfMs - dayMs
        ? 'New'
        : 'Ongoing';
  const table = makeTable<TaskData>({
    caption: 'Tasks that did not pass in the last 24 hours or do not pass now',
    rowName: 'task',
    firstRows: 12,
    empty: '✓ Every task that ran in the last 24 hours passed.',
    columns: [
      {
        label: 'Task',
        sortBy: ({ name }) => name,
        cell: (task) => taskName(task, data),
      },
      {
        label: 'Change',
        sortBy: (task) => kinds.indexOf(kindOf(task)),
        cell: (task) => el('span', { class: `kind ${kindOf(task).toLowerCase()}` }, kindOf(task)),
      },
      { label: 'Status now', sortBy: ({ outcome }) => outcome ?? '', cell: ({ outcome }) => statusBadge(outcome) },
      { label: 'Since', sortBy: ({ sinceMs }) => sinceMs ?? 0, cell: (task) => since(task, times), isNumber: true },
      {
        label: 'In a row',
        sortBy: ({ inARow }) => inARow,
        cell: ({ inARow }) => figure(inARow),
        isNumber: true,
        isMinor: true,
      },
      {
        label: 'Not passed, 24 h',
        sortBy: ({ bad24 }) => bad24,
        cell: ({ bad24, runs24 }) => (runs24 === 0 ? 'no run' : `${bad24} of ${runs24}`),
        isNumber: true,
      },
      { label: 'Last runs', cell: (task) => strip(task, times), isMinor: true },
    ],
    details: (task) => taskDetails(task, data, times),
  });
  return {
    ...table,
    show: (tasks) =>
      table.show(
        tasks
          .filter((task) => isFailing(task) || task.bad24 > 0)
          .sort((a, b) => kinds.indexOf(kindOf(a)) - kinds.indexOf(kindOf(b)) || (b.sinceMs ?? 0) - (a.sinceMs ?? 0)),
      ),
  };
}
