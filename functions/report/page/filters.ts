/** Selects the tasks that the page shows. */
import type { ReportData, TaskData } from '../report-data.ts';
import { isFailing } from '../totals.ts';
import { button, el } from './dom.ts';

/** The selected values. */
export interface Filter {
  /** Index in `workspaces`; null for all. */
  readonly w: number | null;
  readonly text: string;
  readonly status: string;
}

/** Status choices: each is a question that a task answers with yes or no. */
const statuses: readonly (readonly [name: string, label: string, holds: (task: TaskData) => boolean])[] = [
  ['', 'All statuses', () => true],
  ['failing', 'Not passing now', isFailing],
  ['ALARMING', 'Alarm now', (task) => isFailing(task) && task.outcome === 'ALARMING'],
  ['FAILED', 'Failed now', (task) => isFailing(task) && task.outcome === 'FAILED'],
  ['SUCCESS', 'Passing now', ({ outcome, isDeleted }) => !isDeleted && outcome === 'SUCCESS'],
  ['open', 'Running or unknown', ({ open }) => open > 0],
  ['silent', 'Alarms nobody was notified of', ({ silent }) => silent > 0],
  ['flapping', 'Flapping', ({ isFlapping }) => isFlapping],
  ['stopped', 'Stopped running', ({ stoppedMs }) => stoppedMs !== null],
];

/** Whether a task matches: every word of the text is in its name, id, level, creator, workspace or tables. */
export function matches(task: TaskData, filter: Filter, data: ReportData): boolean {
  const { label = '', workspace = '' } = data.workspaces[task.w] ?? {};
  const tables = task.rules.map(({ table }) => table).join(' ');
  const { name, id, level, creator } = task;
  const place = [name, id, level, creator, label, workspace, tables].join(' ').toLocaleLowerCase();
  const words = filter.text.toLocaleLowerCase().split(/\s+/);
  const holds = statuses.find(([name]) => name === filter.status)?.[2];
  return (
    (filter.w === null || filter.w === task.w) &&
    words.every((word) => place.includes(word)) &&
    (holds === undefined || holds(task))
  );
}

/** The bar with the filters. @param onChange called with what was chosen, after every change */
export function filterBar(data: ReportData, onChange: (filter: Filter) => void): HTMLElement {
  const workspace = el(
    'select',
    { id: 'workspace' },
    el('option', { value: '' }, 'All workspaces'),
    ...data.workspaces.map(({ label }, index) => el('option', { value: index }, label)),
  );
  const text = el('input', {
    id: 'text',
    type: 'search',
    placeholder: 'Task, table, creator or id',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const status = el('select', { id: 'status' }, ...statuses.map(([value, label]) => el('option', { value }, label)));
  const changed = (): void =>
    onChange({
      w: workspace.value === '' ? null : Number(workspace.value),
      text: text.value.trim(),
      status: status.value,
    });
  for (const control of [workspace, text, status]) {
    control.addEventListener('input', changed);
  }
  const clear = button('Clear', () => {
    workspace.value = '';
    text.value = '';
    status.value = '';
    changed();
  });
  const field = (label: string, control: HTMLElement): HTMLElement =>
    el('label', { for: control.id }, el('span', { class: 'hidden' }, label), control);
  const form = el(
    'form',
    { class: 'filters', role: 'search', 'aria-label': 'Filter tasks' },
    field('Find tasks', text),
    data.workspaces.length > 1 ? field('Workspace', workspace) : null,
    field('Status', status),
    clear,
  );
  form.addEventListener('submit', (event) => event.preventDefault());
  return form;
}
