/** Shows what failed in the last 24 hours, the question for which most people open the page. */
import type { ReportData, TaskData } from '../report-data.ts';
import { isFailing, isNewlyFailing } from '../totals.ts';
import { el } from './dom.ts';
import { figureColumn, moment, taskColumns } from './parts.ts';
import { makeTable, type Table } from './table.ts';
import { taskDetails } from './task-details.ts';
import type { Times } from './times.ts';

/** The result of a task's last day, in order of urgency. */
const kinds = ['New', 'Ongoing', 'Recovered', 'Deleted'] as const;
type Kind = (typeof kinds)[number];

const allPassed = '✓ Every run of the last 24 hours that has ended passed.';

/** Makes the table. */
export function nightTable(data: ReportData, times: Times): Table<TaskData> {
  const kindOf = (task: TaskData): Kind =>
    task.isDeleted ? 'Deleted' : !isFailing(task) ? 'Recovered' : isNewlyFailing(task, data.asOfMs) ? 'New' : 'Ongoing';
  const { name, status, lastRuns } = taskColumns(data, times);
  const table = makeTable<TaskData>({
    caption: 'Tasks that did not pass in the last 24 hours or do not pass now',
    rowName: 'task',
    firstRows: 12,
    empty: allPassed,
    columns: [
      name,
      {
        label: 'Change',
        sortBy: (task) => kinds.indexOf(kindOf(task)),
        cell: (task) => el('span', { class: `kind ${kindOf(task).toLowerCase()}` }, kindOf(task)),
      },
      status,
      {
        label: 'Since',
        sortBy: ({ sinceMs }) => sinceMs ?? 0,
        cell: ({ sinceMs, sinceMayBeOlder }) => (sinceMs === null ? '–' : moment(sinceMs, times, sinceMayBeOlder)),
        isNumber: true,
      },
      figureColumn('In a row', ({ inARow }) => inARow, true),
      {
        label: 'Not passed, 24 h',
        sortBy: ({ bad24 }) => bad24,
        cell: ({ bad24, runs24 }) => (runs24 === 0 ? 'no run' : `${bad24} of ${runs24}`),
        isNumber: true,
      },
      { ...lastRuns, isMinor: true },
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
        tasks.some(({ runs24 }) => runs24 > 0) ? allPassed : 'No run of the last 24 hours has ended.',
      ),
  };
}
