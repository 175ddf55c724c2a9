/** Runs SQL statements that only read, and returns plain rows. */
import {
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBResultReader,
  StatementType,
} from '@duckdb/node-api';
import { ConfigError } from '../errors.ts';
import { plainValue, type SqlValue } from './sql-value.ts';

/** The result of a query. */
export interface SqlResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly SqlValue[])[];
}

/**
 * Runs all statements of a string in one transaction, so that it can be run again if one of them fails. Returns the rows
 * of the last one.
 *
 * @throws ConfigError for a statement that could write; DuckDB's errors
 */
export async function runAll(connection: DuckDBConnection, sql: string): Promise<SqlResult> {
  const statements = await connection.extractStatements(sql);
  let result: SqlResult = { columns: [], rows: [] };
  await connection.run('BEGIN TRANSACTION');
  try {
    for (let index = 0; index < statements.count; index += 1) {
      const statement = await statements.prepare(index);
      refuseWriting(statement, sql);
      result = plainResult(await statement.runAndReadAll());
    }
    await connection.run('COMMIT');
  } catch (thrown) {
    // The error that ended the transaction says more than one of the ROLLBACK.
    await connection.run('ROLLBACK').catch(() => undefined);
    throw thrown;
  }
  return result;
}

/** CREATE works only in memory, and PIVOT uses it internally. */
const harmlessStatements: ReadonlySet<StatementType> = new Set([
  StatementType.SELECT,
  StatementType.EXPLAIN,
  StatementType.CREATE,
]);

/** @throws ConfigError for a statement that could write */
export function refuseWriting(statement: DuckDBPreparedStatement, sql: string): void {
  const { statementType } = statement;
  // EXPLAIN ANALYZE runs the statement that it explains.
  const runsCopy = statementType === StatementType.EXPLAIN && /\b(copy|export)\b/i.test(sql);
  if (!harmlessStatements.has(statementType) || runsCopy) {
    throw new ConfigError(`the query is a ${StatementType[statementType]} statement, and queries may only read`, {
      remedy: 'Use SELECT. To write results to a file, use the output options of "dqsync query".',
    });
  }
}

function plainResult(reader: DuckDBResultReader): SqlResult {
  const types = reader.columnTypes();
  return {
    columns: reader.columnNames().map((name, index) => ({ name, type: String(types[index]) })),
    rows: reader.getRows().map((row) => row.map(plainValue)),
  };
}

/**
 * Returns rows as objects. A repeated column name gets the next number that makes it unique, because an object cannot
 * have a name twice: of the columns a, a, a_2, the second is a_3.
 */
export function rowObjects({ columns, rows }: SqlResult): Record<string, SqlValue>[] {
  const taken = new Set(columns.map(({ name }) => name));
  const unused = new Set(taken);
  const names = columns.map(({ name }) => {
    if (unused.delete(name)) {
      return name;
    }
    let number = 2;
    while (taken.has(`${name}_${number}`)) {
      number += 1;
    }
    taken.add(`${name}_${number}`);
    return `${name}_${number}`;
  });
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])));
}
