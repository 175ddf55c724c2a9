/** The tables that are compacted. Pure data. */
import { instanceTable } from '../warehouse/columns.ts';
import type { TableFacts } from '../warehouse/table.ts';

/** A table, and the names of the columns that the rows of a file are sorted by. */
export interface CompactedTable extends Pick<TableFacts, 'name' | 'columns'> {
  readonly sortedBy: readonly string[];
}

/** All tables that are compacted. */
export const compactedTables: readonly CompactedTable[] = [{ ...instanceTable, sortedBy: ['start_time', 'id'] }];
