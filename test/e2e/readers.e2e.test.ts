/**
 * The README's snippets, run by the tools they are for: each finds the latest observation of every execution, exactly.
 *
 * Spark is a download of 400 MB and takes minutes to start on a busy machine, so it runs only if DQSYNC_TEST_SPARK is
 * 1.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { TrinoSQL } from 'dt-sql-parser/dist/parser/trino/index.js';
import { describe, expect, it } from 'vitest';
import { openFileStore } from '../../functions/warehouse/file-store.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { providePython } from '../support/python.ts';
import { tempFolder } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';

const run = promisify(execFile);
const document = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const snippetOf = (language: string, marker: string, name = 'README.md'): string =>
  [...document(name).matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))]
    .map(([, code]) => code ?? '')
    .find((code) => code.includes(marker)) ?? '';

const python = await providePython(
  'readers-pandas-3.1.1-polars-2.1.0',
  ['pandas==3.1.1', 'pyarrow==26.0.1', 'polars==2.1.0'],
  'the snippets for pandas and Polars',
);
const wantsSpark = process.env['DQSYNC_TEST_SPARK'] === '1';
const pythonWithSpark = wantsSpark
  ? await providePython('readers-pyspark-4.3.0', ['pyspark==4.3.0'], 'the snippet for Spark')
  : null;

/** Digits only: a reader that guesses types would make a number of it. */
const workspace = '0042';
const dayMs = 86_400_000;
const later = { observedAtMs: newYearMs + 900_000, runId: '20260101T001500Z-00000002' };
const expected = [
  [workspace, '2026-01-01', '1576402315009589287', '1170000000000000001', 'SUCCESS'],
  [workspace, '2026-01-01', '1576402315009589288', null, 'ALARMING'],
  [workspace, '2026-01-02', '1576402315009589289', '1170000000000000001', 'FAILED'],
];

/**
 * A folder with `warehouse/`: an execution seen twice, one without a task, one of the next day, one before the filter.
 */
async function folderWithWarehouse(): Promise<string> {
  const folder = await tempFolder();
  await writeObservations(openFileStore(`file:${join(folder, 'warehouse')}`), [
    anObservation({ workspace, id: 1576402315009589287n, runStatus: 'RUNNING', endTimeMs: null }),
    anObservation({ workspace, id: 1576402315009589287n, ...later }),
    anObservation({ workspace, id: 1576402315009589288n, taskId: null, runStatus: 'ALARMING' }),
    anObservation({ workspace, id: 1576402315009589289n, runStatus: 'FAILED', startTimeMs: newYearMs + dayMs }),
    anObservation({ workspace, id: 1576402315009589290n, startTimeMs: newYearMs - dayMs }),
  ]);
  return folder;
}

async function latestByPython(interpreter: string | null, marker: string, rows: string): Promise<unknown> {
  const script = [
    'import json',
    "key = ['workspace', 'dt', 'project_id', 'id', 'start_time']",
    snippetOf('python', marker),
    "text = lambda value: None if str(value) in ('None', '<NA>') else str(value)",
    "columns = ['workspace', 'dt', 'id', 'task_id', 'run_status']",
    `print(json.dumps(sorted([[text(row[name]) for name in columns] for row in ${rows}], key=lambda row: row[2])))`,
  ].join('\n');
  const { stdout } = await run(interpreter ?? '', ['-c', script], { cwd: await folderWithWarehouse() });
  return JSON.parse(stdout);
}

describe('the snippets of the README', () => {
  it('read the latest observations with DuckDB', async () => {
    const folder = await folderWithWarehouse();
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const columns = 'workspace, dt, CAST(id AS VARCHAR), CAST(task_id AS VARCHAR), run_status';
    const rowsOf = async (from: string): Promise<unknown> =>
      (await connection.runAndReadAll(`SELECT ${columns} FROM ${from} ORDER BY id`)).getRows();
    const sqlOf = (name: string): string =>
      snippetOf('sql', 'read_parquet', name).replace("'warehouse/", `'${folder}/warehouse/`);

    expect(await rowsOf(`(${sqlOf('README.md')})`)).toEqual(expected);
    await connection.run(sqlOf('functions/warehouse/README.md'));
    expect(await rowsOf("quality_instances WHERE dt >= '2026-01-01'")).toEqual(expected);
  });

  it.skipIf(python === null)('read the latest observations with pandas', async () => {
    expect(await latestByPython(python, 'pandas', "latest.to_dict('records')")).toEqual(expected);
  });

  it.skipIf(python === null)('read the latest observations with Polars', async () => {
    expect(await latestByPython(python, 'polars', 'latest.to_dicts()')).toEqual(expected);
  });

  it.skipIf(pythonWithSpark === null)('read the latest observations with Spark', { timeout: 600_000 }, async () => {
    expect(await latestByPython(pythonWithSpark, 'pyspark', 'latest.collect()')).toEqual(expected);
  });

  it.each(['README.md', 'infra/README.md'])('parse by the grammar of Athena, for %s', (name) => {
    const sql = /```sql\n([^`]*FROM dqsync\.quality_instances[^`]*)```/.exec(document(name))?.[1] ?? '';
    expect(sql).toContain('SELECT');
    expect(new TrinoSQL().validate(sql)).toEqual([]);
  });
});
