/** Incidents: since when, how long, how often in a row. */
import type { IncidentData, ReportData, TaskData } from '../report-data.ts';
import { endOf } from '../totals.ts';
import { el } from './dom.ts';
import { figureColumn, moment, statusBadge, taskName } from './parts.ts';
import { makeTable, type Table } from './table.ts';
import { taskDetails } from './task-details.ts';
import { duration, type Times } from './times.ts';

type Row = IncidentData & { readonly task: TaskData };

/** Makes the table; it shows the incidents of the tasks it is given. */
export function incidentTable(data: ReportData, times: Times): Table<TaskData> {
  const lengthMs = (row: Row): number => (endOf(row, row.task) ?? data.asOfMs) - row.openedMs;
  const table = makeTable<Row>({
    caption: 'Incidents: from the first run of a task that did not pass to the next one that did',
    rowName: data.leftOut.incidents === 0 ? 'incident' : 'listed incident',
    firstRows: 10,
    empty: 'No incidents.',
    columns: [
      { label: 'Task', sortBy: ({ task }) => task.name, cell: ({ task }) => taskName(task, data, []) },
      {
        label: 'State',
        sortBy: (row) => (endOf(row, row.task) === null ? 0 : 1),
        cell: ({ resolvedMs, outcome }) =>
          resolvedMs === null ? statusBadge(outcome) : el('span', { class: 'kind recovered' }, 'Resolved'),
      },
      {
        label: 'Opened',
        sortBy: ({ openedMs }) => openedMs,
        cell: ({ openedMs, mayBeOlder }) => moment(openedMs, times, mayBeOlder),
        isNumber: true,
      },
      {
        label: 'Resolved',
        sortBy: ({ resolvedMs }) => resolvedMs ?? Number.MAX_SAFE_INTEGER,
        cell: ({ resolvedMs, task }) =>
          resolvedMs !== null ? moment(resolvedMs, times) : task.isDeleted ? 'task deleted' : 'open',
        isNumber: true,
        isMinor: true,
      },
      {
        label: 'Time to resolve',
        sortBy: lengthMs,
        cell: (row) =>
          `${row.mayBeOlder ? '> ' : ''}${duration(lengthMs(row))}${endOf(row, row.task) === null ? ' so far' : ''}`,
        isNumber: true,
      },
      figureColumn('Runs in a row', ({ runs }) => runs),
    ],
    details: ({ task }) => taskDetails(task, data, times),
  });
  return {
    ...table,
    show: (tasks) => {
      const shown = new Set(tasks);
      table.show(
        data.incidents.flatMap((incident) => {
          const task = data.tasks[incident.t];
          return task !== undefined && shown.has(task) ? [{ ...incident, task }] : [];
        }),
      );
    },
  };
}
