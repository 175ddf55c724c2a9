/** `dqsync query "<sql>"`: DuckDB over the warehouse, as a table, CSV or JSON. */
import { readFile } from 'node:fs/promises';
import { text as streamText } from 'node:stream/consumers';
import { openConnections } from '../../connect.ts';
import { ConfigError } from '../../errors.ts';
import { cacheFolderOf } from '../../query/cache-folder.ts';
import type { SqlResult } from '../../query/duckdb.ts';
import { namedQueries } from '../../query/named-queries.ts';
import { viewName } from '../../warehouse/layout.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { consoleLog } from '../terminal/console-log.ts';
import { counted, shortTime } from '../terminal/formats.ts';
import { paint, writeJson, writeLine, writeNote } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';

/** Options of `query`. */
export interface QueryOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  /** Rows the table shows at most. */
  readonly maxRows: number;
  /** A file with the SQL. */
  readonly file?: string;
  /** Title of a named question. */
  readonly saved?: string;
  /** Prints the titles of the named questions. */
  readonly listSaved?: boolean;
  readonly vertical?: boolean;
}

/**
 * Runs one query and prints what it gives.
 *
 * @param sql the query itself; undefined for one from a file, from stdin, or a named one
 * @throws ConfigError for a wrong config or wrong SQL, StorageError
 */
export async function query(sql: string | undefined, options: QueryOptions): Promise<number> {
  if (options.listSaved) {
    listSaved(options.json ?? false);
    return 0;
  }
  const text = await sqlOf(sql, options);
  const config = await loadConfig(options.config);
  const { store } = await openConnections(config, consoleLog(), process.env);
  const { openWarehouseSql } = await import('../../query/duckdb.ts');
  const warehouse = await openWarehouseSql(store, cacheFolderOf(store.url, process.env));
  try {
    const result = await warehouse.run(text);
    if (options.json) {
      writeJson(rowObjects(result));
    } else if (options.csv) {
      process.stdout.write(csvText(result));
    } else {
      writeTable(result, options);
    }
  } finally {
    await warehouse.close();
  }
  return 0;
}

const savedQuestions = namedQueries({ view: viewName, lastDays: null });

function listSaved(asJson: boolean): void {
  if (asJson) {
    writeJson(savedQuestions);
    return;
  }
  for (const { title, description } of savedQuestions) {
    writeLine(`${paint.bold(title)}\n  ${description}`);
  }
}

/** Takes the SQL from the one place that was named: the argument, a file, a named question, or stdin. */
async function sqlOf(sql: string | undefined, { file, saved }: QueryOptions): Promise<string> {
  const given = [sql, file, saved].filter((each) => each !== undefined);
  if (given.length > 1) {
    throw new ConfigError('the SQL is given more than once', {
      remedy: 'Give the query itself, --file or --saved, but only one of them.',
    });
  }
  if (saved !== undefined) {
    return savedSql(saved);
  }
  const text = file !== undefined ? await readSqlFile(file) : (sql ?? (await readStdin()));
  if (text.trim() === '') {
    throw new ConfigError('the query is empty', {
      remedy: `Give SQL, for example: dqsync query "SELECT run_status, count(*) FROM ${viewName} GROUP BY 1"`,
    });
  }
  return text;
}

function savedSql(title: string): string {
  const question = savedQuestions.find((each) => each.title.toLowerCase() === title.trim().toLowerCase());
  if (question === undefined) {
    throw new ConfigError(`there is no named question ${JSON.stringify(title)}`, {
      remedy: `Give one of: ${savedQuestions.map((each) => JSON.stringify(each.title)).join(', ')}.`,
    });
  }
  return question.sql;
}

async function readSqlFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new ConfigError(`cannot read the SQL file ${path}${code}`, { remedy: 'Name a file that can be read.' });
  }
}

/** A terminal has nothing to give: someone forgot the query. */
async function readStdin(): Promise<string> {
  return process.stdin.isTTY ? '' : await streamText(process.stdin);
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

function writeTable({ columns, rows }: SqlResult, { maxRows, vertical }: QueryOptions): void {
  if (columns.length === 0) {
    return;
  }
  const names = columns.map(({ name }) => name);
  const shown = rows
    .slice(0, maxRows)
    .map((row) => row.map((value) => (typeof value === 'string' ? shortTime(value) : value)));
  writeLine(renderTable(names, shown, { isVertical: vertical ?? false }));
  if (rows.length > maxRows) {
    writeNote(
      `The first ${counted(maxRows, 'row')} of ${counted(rows.length, 'row')}: show more with --max-rows, or all with --csv or --json.`,
    );
  } else {
    writeNote(`(${counted(rows.length, 'row')})`);
  }
}
