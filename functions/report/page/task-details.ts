/** The details of a task's row: its incidents and its last executions. */
import type { ReportData, RunData, TaskData } from '../report-data.ts';
import { endOf } from '../totals.ts';
import { count, counted, el } from './dom.ts';
import { durationOrDash, statusBadge } from './parts.ts';
import { type Column, cellsOf, headerOf, headOf } from './table.ts';
import { duration, type Times } from './times.ts';

const notifyWords: Readonly<Record<string, string>> = {
  SUCCESS: 'Delivered',
  FAILED: 'Not delivered',
  NOT_TRIGGERED: 'Not triggered',
};

const shownIncidents = 8;

/** Makes the details. */
export function taskDetails(task: TaskData, data: ReportData, times: Times): HTMLElement {
  const { label = '', workspace = '' } = data.workspaces[task.w] ?? {};
  const settled = task.passed + task.alarms + task.failed;
  return el(
    'div',
    { class: 'task-details' },
    el(
      'div',
      { class: 'facts' },
      el(
        'dl',
        {},
        ...fact('Task id', task.id ?? 'none'),
        ...fact('Type', task.type === '' ? 'unknown' : task.type),
        ...fact('Level', task.level),
        ...fact('Created by', task.creator),
        ...fact('Schedule', task.schedule),
        ...fact('Workspace', `${label} · ${workspace}`),
        ...fact(
          'Runs',
          `${count(settled)}: ${count(task.passed)} passed, ${count(task.alarms)} alarms, ${count(task.failed)} failed`,
        ),
        ...fact(
          'Duration',
          task.p50Ms === null
            ? 'unknown'
            : `median ${durationOrDash(task.p50Ms)}, 95 % within ${durationOrDash(task.p95Ms)}`,
        ),
        ...fact('Silent alarms', count(task.silent)),
      ),
      rules(task),
      incidents(task, data, times),
    ),
    executions(task, times),
  );
}

/** A fact, or nothing if its text is empty. */
function fact(name: string, value: string): HTMLElement[] {
  return value === '' ? [] : [el('dt', {}, name), el('dd', {}, el('bdi', {}, value))];
}

function rules({ rules: all, rulesInAll }: TaskData): HTMLElement | null {
  const lines = all.map(({ name, dimension, table, columns, condition }) =>
    ruleLine([name], [dimension, table, columns, condition]),
  );
  return lines.length === 0
    ? null
    : el(
        'div',
        {},
        el('h4', {}, `${lines.length < rulesInAll ? `${lines.length} of ` : ''}${counted(rulesInAll, 'rule')}`),
        el('ul', {}, ...lines),
      );
}

function incidents(task: TaskData, data: ReportData, times: Times): HTMLElement | null {
  const index = data.tasks.indexOf(task);
  const own = data.incidents.filter(({ t }) => t === index);
  if (task.incidents === 0) {
    return null;
  }
  const lines = own.slice(0, shownIncidents).map((incident) => {
    const { openedMs, mayBeOlder, runs } = incident;
    const endMs = endOf(incident, task);
    return el(
      'li',
      {},
      `${mayBeOlder ? 'before ' : ''}${times.short(openedMs)} – ${endMs === null ? 'now' : times.short(endMs)}: `,
      `${counted(runs, 'run')}, ${duration((endMs ?? data.asOfMs) - openedMs)}`,
    );
  });
  const rest = task.incidents - lines.length;
  return el(
    'div',
    {},
    el('h4', {}, counted(task.incidents, 'incident')),
    el('ul', {}, ...lines, rest > 0 ? el('li', {}, `and ${count(rest)} more`) : null),
  );
}

function executions(task: TaskData, times: Times): HTMLElement {
  const runs = task.runs.toReversed();
  const all = task.passed + task.alarms + task.failed + task.open;
  const columns: readonly Column<RunData>[] = [
    { label: 'Started', cell: ({ startMs }) => times.full(startMs) },
    { label: 'Status', cell: ({ status }) => statusBadge(status) },
    { label: 'Duration', cell: ({ durationMs }) => durationOrDash(durationMs), isNumber: true },
    { label: 'Notification', cell: notification },
    { label: 'Instance id', cell: ({ id }) => id },
  ];
  const rows = runs.flatMap((run) => {
    const found = task.findings
      .filter(({ id, startMs }) => id === run.id && startMs === run.startMs)
      .map(({ rule, object, columns: of, condition, metrics }) => ruleLine([rule, metrics], [object, of, condition]));
    const line = el('tr', {}, ...cellsOf(run, columns));
    return found.length === 0
      ? [line]
      : [line, el('tr', { class: 'findings' }, el('td', { colspan: columns.length }, el('ul', {}, ...found)))];
  });
  return el(
    'div',
    { class: 'executions' },
    el('h4', {}, all > runs.length ? `Last ${runs.length} of ${counted(all, 'execution')}` : counted(all, 'execution')),
    el(
      'div',
      { class: 'scroll' },
      el('table', {}, headOf(columns.map((column) => headerOf(column))), el('tbody', {}, ...rows)),
    ),
  );
}

function notification({ status, notified }: RunData): HTMLElement | string {
  const words = notifyWords[notified] ?? '–';
  return status === 'ALARMING' && notified !== 'SUCCESS' ? el('strong', { class: 'warning' }, words) : words;
}

/** A rule in one line, and what is known of it under that. */
function ruleLine([name = '', ...more]: readonly string[], under: readonly string[]): HTMLElement {
  return el(
    'li',
    {},
    el('bdi', {}, name === '' ? '(no name)' : name),
    ...more.filter(Boolean).map((text) => el('span', { class: 'measured' }, el('bdi', {}, text))),
    el('small', { class: 'under' }, el('bdi', {}, under.filter(Boolean).join(' · '))),
  );
}
