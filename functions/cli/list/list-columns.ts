/** The columns that `dqsync list` can show. Pure. */
import { ConfigError } from '../../errors.ts';
import type { Execution } from '../../model.ts';
import { nearest } from '../../nearest.ts';
import { executionColumns } from '../../warehouse/columns.ts';
import { shortDuration } from '../terminal/formats.ts';
import type { Cell } from '../terminal/table.ts';

/** One column. */
export interface ListColumn {
  readonly name: string;
  /** Returns what a terminal shows of an execution. */
  readonly shown: (execution: Execution) => Cell;
}

const took: ListColumn = {
  name: 'took',
  shown: ({ startTimeMs, endTimeMs }) => (endTimeMs === null ? null : shortDuration(endTimeMs - startTimeMs)),
};

const columns: readonly ListColumn[] = [
  ...executionColumns.map(({ name, kind, read }) => ({
    name,
    shown: (execution: Execution): Cell => {
      const value = read(execution);
      return kind === 'timestamp-ms-utc' && typeof value === 'number' ? { ms: value } : value;
    },
  })),
  took,
];

/** The columns that fit into 80 characters. */
export const defaultColumns = ['name', 'run_status', 'start_time', 'took', 'id'] as const;

/** The names of all columns. */
export const columnNames: readonly string[] = columns.map(({ name }) => name);

/**
 * Returns the columns of `--columns`, or the default ones.
 *
 * @throws ConfigError for an unknown name
 */
export function parseColumns(text: string | undefined): readonly ListColumn[] {
  const names = text === undefined ? defaultColumns : text.split(',').map((name) => name.trim());
  return names.map((name) => {
    const column = columns.find((each) => each.name === name);
    if (column === undefined) {
      const near = nearest(name, columnNames);
      throw new ConfigError(`--columns: there is no column ${JSON.stringify(name)}`, {
        remedy: `${near === null ? '' : `Did you mean "${near}"? `}The columns are ${columnNames.join(', ')}.`,
      });
    }
    return column;
  });
}
