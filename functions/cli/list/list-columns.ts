/** The columns that `dqsync list` can show. Pure. */
import { isoTime, shortDuration } from '../../clock.ts';
import { ConfigError } from '../../errors.ts';
import type { EpochMs, Execution } from '../../model.ts';
import { nearest } from '../../nearest.ts';
import { type ExecutionColumn, executionColumns } from '../../warehouse/columns.ts';

import type { Cell } from '../terminal/table.ts';

/** One column. */
export interface ListColumn {
  readonly name: string;
  /** Returns what a terminal shows of an execution. */
  readonly shown: (execution: Execution) => Cell;
}

const columns: readonly ListColumn[] = [
  ...executionColumns.map((column) => ({
    name: column.name,
    shown: (execution: Execution): Cell => valueIn(column, execution, (ms) => ({ ms })),
  })),
  {
    name: 'took',
    shown: ({ startTimeMs, endTimeMs }) => (endTimeMs === null ? null : shortDuration(endTimeMs - startTimeMs)),
  },
];

/** Returns every value of an execution, including `extra`, by the name of its column. */
export function executionJson(execution: Execution): Readonly<Record<string, Cell>> {
  return Object.fromEntries(executionColumns.map((column) => [column.name, valueIn(column, execution, isoTime)]));
}

function valueIn({ kind, read }: ExecutionColumn, execution: Execution, timeOf: (ms: EpochMs) => Cell): Cell {
  const value = read(execution);
  return kind === 'timestamp-ms-utc' && typeof value === 'number' ? timeOf(value) : value;
}

/** The columns that fit into 80 characters. */
const defaultColumns = ['name', 'run_status', 'start_time', 'took', 'id'];

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
      const known = columns.map((each) => each.name);
      const near = nearest(name, known);
      throw new ConfigError(`--columns: there is no column ${JSON.stringify(name)}`, {
        remedy: `${near === null ? '' : `Did you mean "${near}"? `}The columns are ${known.join(', ')}.`,
      });
    }
    return column;
  });
}
