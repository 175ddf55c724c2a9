/** The tables that are compacted. Pure data. */
import { instanceTable } from '../warehouse/columns.ts';
import { resultTable } from '../warehouse/result-table.ts';
import type { TableFacts } from '../warehouse/table.ts';
import { taskTable } from '../warehouse/task-table.ts';

/** A table, and the names of the columns that the rows of a file are sorted by. */
export interface CompactedTable extends Pick<TableFacts, 'name' | 'columns'> {
  readonly sortedBy: readonly string[];
}

/**
 * All tables that are compacted. While replaced files are still there, rows are there twice: a table belongs here only if its
 * views show a row once however often it is there (PROTOCOL.md, I18).
 */
export const compactedTables: readonly CompactedTable[] = [
  { ...instanceTable, sortedBy: ['start_time', 'id'] },
  { ...taskTable, sortedBy: ['task_id', 'rule_part', 'rule_position'] },
  { ...resultTable, sortedBy: ['start_time', 'instance_id'] },
];
