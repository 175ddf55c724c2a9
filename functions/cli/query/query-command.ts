/** `dqsync query "<sql>"`: runs DuckDB over the warehouse, and prints a table, CSV or JSON. */
import { readFile } from 'node:fs/promises';
import { text as streamText } from 'node:stream/consumers';
import { openStore } from '../../connect.ts';
import { ConfigError } from '../../errors.ts';
import { openWarehouseSql, type WarehouseSql } from '../../query/duckdb.ts';
import { namedQueries } from '../../query/named-queries.ts';
import { rowObjects, type SqlResult } from '../../query/statements.ts';
import { fileErrorCode } from '../../warehouse/file-errors.ts';
import { resultTableName, tableName, taskTableName, viewName } from '../../warehouse/layout.ts';
import { cacheFolderOf } from '../terminal/cache-folder.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { count, counted } from '../terminal/formats.ts';
import { type OutputOptions, paint, writeData, writeJson, writeNote, writeResult } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';
import { timeCell } from '../terminal/table-times.ts';

interface QueryOptions extends OutputOptions {
  readonly config: string;
  readonly csv?: boolean;
  readonly maxRows: number;
  readonly file?: string;
  readonly saved?: string;
  readonly listSaved?: boolean;
  readonly vertical?: boolean;
}

/**
 * Runs one query and prints its result.
 *
 * @param sql the query itself; undefined for one from a file, from stdin, or a saved one
 * @throws ConfigError for a wrong config or wrong SQL; StorageError
 */
export async function query(sql: string | undefined, options: QueryOptions): Promise<number> {
  if (options.listSaved) {
    writeResult(options, savedQuestions, () =>
      savedQuestions.map(({ title, description }) => `${paint.bold(title)}\n  ${description}`).join('\n'),
    );
    return 0;
  }
  const text = await sqlOf(sql, options);
  const config = await loadConfig(options.config);
  const store = await openStore(config.warehouse, process.env, config.storage);
  const warehouse = await openWarehouseSql(store, cacheFolderOf(store.url, process.env));
  try {
    const result = await warehouse.run(text);
    if (options.json) {
      writeJson(rowObjects(result));
    } else if (options.csv) {
      process.stdout.write(csvText(result));
    } else {
      writeTable(result, options);
      writeHints(result, warehouse.tablesOf(text));
    }
  } finally {
    await warehouse.close();
  }
  return 0;
}

const savedQuestions = namedQueries({ view: viewName, lastDays: null });

/** Returns the SQL from the argument, a file, a saved query, or stdin. */
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
  // On a terminal there is nothing to read from stdin: the user forgot the query.
  const fromStdin = async (): Promise<string> => (process.stdin.isTTY ? '' : await streamText(process.stdin));
  const text = file !== undefined ? await readSqlFile(file) : (sql ?? (await fromStdin()));
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
    throw new ConfigError(`there is no saved query ${JSON.stringify(title)}`, {
      remedy: `Give one of: ${savedQuestions.map((each) => JSON.stringify(each.title)).join(', ')}.`,
    });
  }
  return question.sql;
}

async function readSqlFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`cannot read the SQL file ${path} (${fileErrorCode(cause)})`, {
      remedy: 'Give a readable file with --file.',
    });
  }
}

/** Returns CSV with a header, as in RFC 4180 but with Unix line ends. NULL is empty, empty text is `""`. */
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
  const isTime = columns.map(({ type }) => type.startsWith('TIMESTAMP'));
  const shown = rows
    .slice(0, maxRows)
    .map((row) => row.map((value, index) => (isTime[index] ? timeCell(value) : value)));
  writeData(renderTable(names, shown, { isVertical: vertical }));
  const all = counted(rows.length, 'row');
  writeNote(
    rows.length > maxRows
      ? `The first ${count(maxRows)} of ${all}: show more with --max-rows, or all with --csv or --json.`
      : `(${all})`,
  );
}

/** What fills each table. */
const remedies: ReadonlyMap<string, string> = new Map([
  [tableName, 'The warehouse has no executions yet. To read them: dqsync sync'],
  [taskTableName, 'The warehouse has no tasks and rules yet. To read them: dqsync sync --tasks'],
  [resultTableName, 'The warehouse has no rule results yet. To read them: dqsync sync --results'],
]);

/** Says whether an empty result comes from an empty table or from the question. */
function writeHints({ rows }: SqlResult, { named, empty }: ReturnType<WarehouseSql['tablesOf']>): void {
  for (const table of empty) {
    writeNote(remedies.get(table) ?? '');
  }
  if (rows.length === 0 && named.length > 0 && empty.length === 0) {
    writeNote('The warehouse has data, but no rows that match. "dqsync status" shows which days are covered.');
  }
}
