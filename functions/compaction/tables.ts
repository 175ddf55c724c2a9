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
   * How many of the first `sortedBy` columns identify an execution. If set, the file begins with the latest row of each
   * execution, which the view shows (PROTOCOL.md, I20). Without it, the file is one sorted part.
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
