/** Small parts that several sections show: a status, a strip of runs, columns of tables. */
import type { ReportData, TaskData } from '../report-data.ts';
import { count, el, nameText } from './dom.ts';
import type { Column } from './table.ts';
import { duration, type Times } from './times.ts';

const statusWords: Readonly<Record<string, readonly [className: string, sign: string, word: string]>> = {
  SUCCESS: ['passed', '✓', 'Passed'],
  ALARMING: ['alarm', '▲', 'Alarm'],
  FAILED: ['failed', '✕', 'Failed'],
  RUNNING: ['open', '◌', 'Running'],
  SUSPENDING: ['open', '◌', 'Suspending'],
  UNKNOWN: ['open', '◌', 'Unknown'],
};

/** Shows a status by color, sign and word, any of which is enough to recognize it. */
export function statusBadge(status: string | null): HTMLElement {
  const [className, sign, word] = statusWords[status ?? 'UNKNOWN'] ?? ['open', '◌', 'Unknown'];
  return el('span', { class: `status ${className}` }, el('span', { 'aria-hidden': 'true' }, sign), ` ${word}`);
}

/** The last runs as bars: a failure is tall, an alarm less so, a success short. */
function strip({ runs }: TaskData, times: Times): HTMLElement {
  const bad = runs.filter(({ status }) => status === 'ALARMING' || status === 'FAILED').length;
  const bars = runs.map(({ status, startMs }) => {
    const [className, , word] = statusWords[status] ?? ['open', '', 'Unknown'];
    return el('i', { class: className, title: `${times.short(startMs)} · ${word}` });
  });
  return el(
    'span',
    { class: 'strip', role: 'img', 'aria-label': `last ${runs.length} runs, ${bad} not passed` },
    ...bars,
  );
}

/** A length of time, or a dash. */
export function durationOrDash(ms: number | null): string {
  return ms === null ? '–' : ms < 1000 ? `${ms} ms` : duration(ms);
}

/** An instant, with the full time in its tooltip. */
export function moment(ms: number, times: Times, mayBeOlder = false): HTMLElement {
  return el('time', { title: times.full(ms) }, `${mayBeOlder ? 'before ' : ''}${times.short(ms)}`);
}

/** A column of figures, which are dimmed where they are 0. */
export function figureColumn<T>(label: string, value: (row: T) => number, isMinor = false): Column<T> {
  const cell = (row: T): HTMLElement => el('span', { class: value(row) === 0 ? 'zero' : null }, count(value(row)));
  return { label, sortBy: value, cell, isNumber: true, isMinor };
}

/** The columns that tables of tasks share. */
export function taskColumns(data: ReportData, times: Times) {
  return {
    name: { label: 'Task', sortBy: ({ name }: TaskData) => name, cell: (task: TaskData) => taskName(task, data) },
    status: {
      label: 'Status now',
      sortBy: ({ outcome }: TaskData) => outcome ?? '',
      cell: ({ outcome }: TaskData) => statusBadge(outcome),
    },
    lastRuns: { label: 'Last runs', cell: (task: TaskData) => strip(task, times) },
  };
}

/** Shows a task's name, its workspace if there are several, and remarks. */
export function taskName(task: TaskData, data: ReportData, tags = remarksOn(task)): HTMLElement {
  const place = data.workspaces[task.w];
  return el(
    'span',
    { class: 'task' },
    nameText(task.name),
    data.workspaces.length > 1 && place !== undefined ? el('small', {}, el('bdi', {}, place.label)) : null,
    ...tags,
  );
}

/** Remarks beside the names of tasks. */
const remarks: readonly (readonly [name: string, meaning: string, holds: (task: TaskData) => boolean])[] = [
  ['deleted', 'the source no longer has this task', ({ isDeleted }) => isDeleted],
  ['flapping', 'at least 6 changes between passed and not passed in its last 30 runs', ({ isFlapping }) => isFlapping],
  ['silent alarm', 'an alarm of the last 24 hours without a delivered notification', ({ silent24 }) => silent24 > 0],
];

function remarksOn(task: TaskData): HTMLElement[] {
  return remarks.flatMap(([name, meaning, holds]) =>
    holds(task) ? [el('span', { class: 'tag', title: meaning }, name)] : [],
  );
}

/** Explains the remarks that some of the tasks have. */
export function remarksShown(tasks: readonly TaskData[]): string[] {
  return remarks.flatMap(([name, meaning, holds]) =>
    tasks.some(holds) ? [`${name.charAt(0).toUpperCase()}${name.slice(1)}: ${meaning}.`] : [],
  );
}
