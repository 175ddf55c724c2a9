/** Two Parquet readers that have nothing to do with our writer: DuckDB and hyparquet. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance, type Json } from '@duckdb/node-api';
import { type FileMetaData, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { tempFolder } from './temp-warehouse.ts';

let instance: Promise<DuckDBInstance> | undefined;

/** Runs SQL on a connection of its own. Numbers beyond 2^53 and timestamps come as text. */
export async function duckdb(sql: string): Promise<Record<string, Json>[]> {
  // One for the process: a new one takes 20 ms of CPU, a connection less than one.
  instance ??= DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await (await instance).connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
  }
}

/** Runs SQL over one Parquet file, called `file` in the SQL. */
export async function duckdbOverFile(bytes: Uint8Array, sql: string): Promise<Record<string, Json>[]> {
  const path = join(await tempFolder(), 'file.parquet');
  await writeFile(path, bytes);
  return duckdb(sql.replaceAll(/\bfile\b/g, `'${path}'`));
}

/** All rows as hyparquet reads them: INT64 as bigint, timestamps as Date. */
export function hyparquetRows(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: exactBuffer(bytes), compressors: { GZIP: gunzip } });
}

/** The footer as hyparquet reads it. */
export function hyparquetFooter(bytes: Uint8Array): FileMetaData {
  return parquetMetadata(exactBuffer(bytes));
}

function gunzip(input: Uint8Array, sizeBytes: number): Uint8Array {
  const output = gunzipSync(input);
  // Trino refuses a page whose header does not have the exact size.
  if (output.length !== sizeBytes) {
    throw new Error(`a page of ${output.length} bytes says it has ${sizeBytes}`);
  }
  return output;
}

function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
