/**
 * The table of filters that the instance list accepts. Requests, the options of `dqsync list` and the row condition of
 * `dqsync verify` are derived from it. Pure data: imports only types.
 */
import type { PageFilter } from './model.ts';

/** One filter. */
export interface Filter {
  /** Query parameter of the API. */
  readonly parameter: string;
  /** Option of `dqsync list`. */
  readonly option: string;
  /** Help text of the option. */
  readonly description: string;
  /** The only values that the API accepts; null if it accepts any text. */
  readonly choices: readonly string[] | null;
  /** The column that the API compares, and how. */
  readonly column: string;
  readonly comparison: 'contains' | 'equals';
}

/** The kinds of tasks. */
export const taskTypes = ['QUALITY_TASK', 'CONSISTENCY_TASK'] as const;

/** Every filter by its name in the config, in the order of the query. */
const filters: { readonly [Name in keyof PageFilter]-?: Filter } = {
  name: {
    parameter: 'name',
    option: '--name <text...>',
    description: 'instances whose name contains this',
    choices: null,
    column: 'name',
    comparison: 'contains',
  },
  taskType: {
    parameter: 'task_type',
    option: '--task-type <type...>',
    description: 'kind of task',
    choices: taskTypes,
    column: 'task_type',
    comparison: 'equals',
  },
  runStatus: {
    parameter: 'run_status',
    option: '--run-status <status...>',
    description: 'outcome',
    choices: ['RUNNING', 'FAILED', 'ALARMING', 'SUCCESS', 'SUSPENDING', 'UNKNOWN'],
    column: 'run_status',
    comparison: 'equals',
  },
  notifyStatus: {
    parameter: 'notify_status',
    option: '--notify-status <status...>',
    description: 'notification',
    choices: ['NOT_TRIGGERED', 'SUCCESS', 'FAILED'],
    column: 'notify_status',
    comparison: 'equals',
  },
};

/** Every filter, in the order of the query. */
export const allFilters: readonly Filter[] = Object.values(filters);

/** The names of all filters. */
export const filterNames: readonly (keyof PageFilter)[] = Object.keys(filters).filter(
  (name): name is keyof PageFilter => name in filters,
);

/** A filter that is set. */
export interface SetFilter extends Filter {
  readonly value: string;
}

/** Returns the filters that are set, in the order of the table. */
export function setFilters(values: PageFilter): SetFilter[] {
  const valueByName = new Map(Object.entries(values));
  return Object.entries(filters).flatMap(([name, filter]) => {
    const value = valueByName.get(name);
    return value === undefined ? [] : [{ ...filter, value }];
  });
}
