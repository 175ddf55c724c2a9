/** `dqsync query "<sql>"`: DuckDB over the warehouse, as a table, CSV or JSON. */
import { openConnections } from '../../connect.ts';
import type { SqlResult } from '../../query/duckdb.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { consoleLog } from '../terminal/console-log.ts';
import { counted } from '../terminal/formats.ts';
import { writeJson, writeLine, writeNote } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';

/** Options of `query`. */
export interface QueryOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  /** Rows the table shows at most. */
  readonly maxRows: number;
}

/**
 * Runs one query and prints what it gives.
 *
 * @throws ConfigError for a wrong config or wrong SQL, StorageError
 */
export async function query(sql: string, options: QueryOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const { store } = await openConnections(config, consoleLog(), process.env);
  const { openWarehouseSql } = await import('../../query/duckdb.ts');
  const warehouse = await openWarehouseSql(store);
  try {
    const result = await warehouse.run(sql);
    if (options.json) {
      writeJson(rowObjects(result));
    } else if (options.csv) {
      process.stdout.write(csvText(result));
    } else {
      writeTable(result, options.maxRows);
    }
  } finally {
    await warehouse.close();
  }
  return 0;
}

/** A column name that occurs twice gets a number, as no object can hold it twice. */
function rowObjects({ columns, rows }: SqlResult): Record<string, unknown>[] {
  const seen = new Map<string, number>();
  const names = columns.map(({ name }) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name}_${times}`;
  });
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])));
}

/** RFC 4180 but for its line ends, which are Unix's; with a header. NULL is empty, empty text is `""`. */
function csvText({ columns, rows }: SqlResult): string {
  const lines = [columns.map(({ name }) => name), ...rows].map((row) => row.map(csvField).join(','));
  return `${lines.join('\n')}\n`;
}

function csvField(value: SqlResult['rows'][number][number]): string {
  if (value === null) {
    return '';
  }
  const text = String(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function writeTable({ columns, rows }: SqlResult, maxRows: number): void {
  if (columns.length === 0) {
    return;
  }
  writeLine(
    renderTable(
      columns.map(({ name }) => name),
      rows.slice(0, maxRows),
    ),
  );
  if (rows.length > maxRows) {
    writeNote(
      `The first ${counted(maxRows, 'row')} of ${counted(rows.length, 'row')}: show more with --max-rows, or all with --csv or --json.`,
    );
  } else {
    writeNote(`(${counted(rows.length, 'row')})`);
  }
}
