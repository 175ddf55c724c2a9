/** The tables that are compacted. Pure data. */
import { instanceTable } from '../warehouse/columns.ts';
import { resultTable } from '../warehouse/result-table.ts';
import type { TableFacts } from '../warehouse/table.ts';
import { taskTable } from '../warehouse/task-table.ts';

/** A table, and the order of the rows of a compacted file. */
export interface CompactedTable extends Pick<TableFacts, 'name' | 'columns'> {
  /** Names of the columns that rows are sorted by. */
  readonly sortedBy: readonly string[];
  /**
   * Number of these columns that identify an execution, counted from the first. The last row of each execution, which
   * the view shows, then comes first in the file (PROTOCOL.md, I20). Default: the rows are in one sorted part.
   */
  readonly keyColumns?: number;
}

/**
 * All tables that are compacted. While replaced files are still there, rows are there twice: a table belongs here only
 * if its views show a row once however often it is there (PROTOCOL.md, I18).
 */
export const compactedTables: readonly CompactedTable[] = [
  { ...instanceTable, sortedBy: ['start_time', 'id', 'project_id', 'observed_at', 'run_id'], keyColumns: 3 },
  { ...taskTable, sortedBy: ['task_id', 'rule_part', 'rule_position'] },
  { ...resultTable, sortedBy: ['start_time', 'instance_id'] },
];
