/** The same failures by what the rules check: tables, and dimensions of quality. */
import type { ReportData, TaskData } from '../report-data.ts';
import { isFailing } from '../totals.ts';
import { button, el, nameText, percent } from './dom.ts';
import { figureColumn } from './parts.ts';
import { makeTable, type Table } from './table.ts';

/** What tasks are grouped by. */
const groupings = [
  { name: 'Table', of: (task: TaskData) => task.rules.map(({ table }) => table) },
  { name: 'Dimension', of: (task: TaskData) => task.rules.map(({ dimension }) => dimension) },
] as const;

interface Group {
  readonly name: string;
  readonly rules: number;
  readonly tasks: readonly TaskData[];
  readonly failing: number;
  readonly bad: number;
  readonly settled: number;
}

/** Makes the table; null where nothing is known of the rules. */
export function ruleGroups(data: ReportData): Pick<Table<TaskData>, 'element' | 'show'> | null {
  if (data.tasks.every(({ rules }) => rules.length === 0)) {
    return null;
  }
  const table = makeTable<Group>({
    caption: 'Tables or dimensions, with the tasks that check them',
    rowName: 'group',
    firstRows: 10,
    empty: 'Nothing is known of the rules of these tasks.',
    columns: [
      {
        label: 'Checked',
        sortBy: ({ name }) => name,
        cell: ({ name }) => el('span', { class: 'task' }, nameText(name)),
      },
      {
        label: 'Tasks not passing now',
        sortBy: ({ failing }) => failing,
        cell: ({ failing, tasks }) =>
          el('span', { class: failing === 0 ? 'zero' : 'status failed' }, `${failing} of ${tasks.length}`),
        isNumber: true,
      },
      {
        label: 'Runs not passed',
        sortBy: ({ bad }) => bad,
        cell: ({ bad, settled }) => `${bad} · ${percent(bad, settled)}`,
        isNumber: true,
      },
      figureColumn('Rules', ({ rules }) => rules),
    ],
  });
  let tasks: readonly TaskData[] = [];
  let chosen: (typeof groupings)[number] = groupings[0];
  const buttons = groupings.map((grouping) =>
    button(`By ${grouping.name.toLowerCase()}`, () => {
      chosen = grouping;
      render();
    }),
  );
  const render = (): void => {
    for (const [index, control] of buttons.entries()) {
      control.setAttribute('aria-pressed', String(groupings[index] === chosen));
    }
    table.show(groupsOf(tasks, chosen.of).sort((a, b) => b.failing - a.failing || b.bad - a.bad));
  };
  return {
    element: el(
      'div',
      {},
      el('div', { class: 'views', role: 'group', 'aria-label': 'Group by' }, ...buttons),
      table.element,
    ),
    show: (next) => {
      tasks = next;
      render();
    },
  };
}

function groupsOf(tasks: readonly TaskData[], namesOf: (task: TaskData) => readonly string[]): Group[] {
  const members = new Map<string, { rules: number; readonly tasks: Set<TaskData> }>();
  for (const task of tasks) {
    for (const name of namesOf(task).filter((each) => each !== '')) {
      const group = members.get(name) ?? { rules: 0, tasks: new Set() };
      group.rules += 1;
      group.tasks.add(task);
      members.set(name, group);
    }
  }
  return [...members].map(([name, { rules, tasks: ofGroup }]) => {
    const each = [...ofGroup];
    const sum = (value: (task: TaskData) => number): number => each.reduce((total, task) => total + value(task), 0);
    return {
      name,
      rules,
      tasks: each,
      failing: each.filter(isFailing).length,
      bad: sum(({ alarms, failed }) => alarms + failed),
      settled: sum(({ passed, alarms, failed }) => passed + alarms + failed),
    };
  });
}
