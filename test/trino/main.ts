/**
 * `npm run trino -- <folder>`: asks Trino, which Athena is built on, for every view and every named question of a
 * deployed stack, and compares the answers with DuckDB's; before and after a compaction.
 *
 * `<folder>` is an unpacked `io.trino:trino-server` of Maven Central (tried with 476), JAVA_HOME a Java that it runs
 * on. AWS is emulated, and the source simulated. Exit code 1 if an answer differs.
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWarehouseSql, type WarehouseSql } from '../../functions/query/duckdb.ts';
import { allViews } from '../../functions/query/further-views.ts';
import { namedQueries } from '../../functions/query/named-queries.ts';
import type { ViewColumn } from '../../functions/query/view.ts';
import { viewName } from '../../functions/warehouse/layout.ts';
import { provideMiniStack } from '../e2e/ministack.ts';
import { Stage } from '../e2e/stage.ts';
import { defaultAccount } from '../simulator/accounts.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { spawnCli } from '../support/run-cli.ts';
import { startTrino, type TrinoServer } from './trino-server.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const stackName = 'dqsync-trino';
const database = 'dqsync_trino';

const [home] = process.argv.slice(2);
if (home === undefined) {
  throw new RangeError('usage: npm run trino -- <folder of trino-server>');
}
await provideMiniStack();
const folder = await mkdtemp(join(tmpdir(), 'dqsync-trino-'));
const nowMs = Date.now();
const stage = await Stage.open({
  stackName,
  targets: { sales: defaultWorkspace },
  quota: { requests: 1000, perSeconds: 1 },
  // Its own secret stays empty, so that only the runs here write. The table begins with its first day.
  config: { initialFrom: new Date(nowMs - 20 * dayMs).toISOString(), maxRunSeconds: 45 },
});
let differences = 0;
try {
  const trino = await startTrino(home, join(folder, 'trino'), stage.ministack);
  try {
    await fill();
    await compareAll(trino, 'written by runs');
    await dqsync(['compact']);
    await compareAll(trino, 'compacted');
  } finally {
    await trino.stop();
  }
} finally {
  await stage.close();
}
console.log(differences === 0 ? 'every answer is the same' : `${differences} answers differ`);
process.exit(differences === 0 ? 0 : 1);

/** A column as text: exact, and the same in both. `epochOf` turns a time into a number of seconds or milliseconds. */
function asText({ name, kind }: Pick<ViewColumn, 'name' | 'kind'>, engine: 'duckdb' | 'trino'): string {
  if (kind !== 'timestamp-ms-utc') {
    return `CAST(${name} AS varchar)`;
  }
  return engine === 'duckdb'
    ? `CAST(epoch_ms(${name}) AS varchar)`
    : `CAST(CAST(to_unixtime(${name}) * 1000 AS bigint) AS varchar)`;
}

/**
 * Fills all three tables: the last three days, and a day of long ago that many runs wrote. One task has stopped since.
 */
async function fill(): Promise<void> {
  const { life } = stage.simulator;
  const longAgoMs = Math.floor((nowMs - 12 * dayMs) / dayMs) * dayMs;
  for (const [index, name] of ['orders/unique', '客户/完整性', 'prices/range'].entries()) {
    const task = life.addTask({ name, everyMs: 24 * hourMs, rules: index + 1 });
    for (let hour = 0; hour < 24; hour += 1) {
      const runStatus = (hour + index) % 3 === 0 ? 'ALARMING' : 'SUCCESS';
      life.addExecution({ task, runStatus, startTimeMs: longAgoMs + hour * hourMs });
    }
    for (const days of index === 0 ? [] : [2, 1, 0]) {
      const runStatus = days === 1 ? 'SUCCESS' : 'ALARMING';
      life.addExecution({ task, runStatus, startTimeMs: nowMs - hourMs - days * dayMs });
    }
  }
  life.addMany(500, { fromMs: nowMs - 2 * hourMs, toMs: nowMs - hourMs });
  await writeFile(join(folder, 'secret.json'), JSON.stringify(defaultAccount.password));
  const config = {
    warehouse: stage.deployed.outputs.WarehouseUrl,
    storage: { pathStyle: true },
    source: {
      endpoint: stage.simulator.url,
      iamEndpoint: stage.simulator.iamUrl,
      quota: { requests: 1000, perSeconds: 1 },
    },
    targets: [{ name: 'sales', ...defaultWorkspace, credentials: 'file:./secret.json' }],
    initialFrom: new Date(nowMs - 3 * dayMs).toISOString(),
    settleSeconds: 0,
    results: 'all',
  };
  await writeFile(join(folder, 'dqsync.json'), JSON.stringify(config));
  await dqsync(['sync', '--tasks']);
  for (let hour = 0; hour < 24; hour += 2) {
    const at = (ms: number): string => new Date(longAgoMs + ms).toISOString();
    await dqsync(['backfill', '--results', '--from', at(hour * hourMs), '--to', at((hour + 2) * hourMs)]);
  }
}

async function dqsync(args: readonly string[]): Promise<void> {
  const run = await spawnCli(args, { cwd: folder, env: stage.ministack.environment }).ended;
  if (run.exitCode !== 0) {
    throw new Error(`dqsync ${args.join(' ')}: ${run.stderr}`);
  }
}

async function compareAll(trino: TrinoServer, state: string): Promise<void> {
  const sql = await openWarehouseSql(stage.store, await mkdtemp(join(folder, 'cache-')));
  try {
    for (const { name, columns } of allViews) {
      await compare(`view ${name}, ${state}`, sql, trino, [
        `SELECT ${columns.map((column) => asText(column, 'duckdb')).join(', ')} FROM ${name}`,
        `SELECT ${columns.map((column) => asText(column, 'trino')).join(', ')} FROM ${name}`,
      ]);
    }
    for (const { title, sql: text } of namedQueries({ view: viewName, lastDays: 30 })) {
      // Minutes until now are not the same for both.
      const timeless = text.replace(/date_diff\('minute'.*AS minutes_since/, '0 AS minutes_since');
      await compare(`question "${title}", ${state}`, sql, trino, [timeless, timeless]);
    }
  } finally {
    await sql.close();
  }
}

async function compare(
  what: string,
  sql: WarehouseSql,
  trino: TrinoServer,
  [duckdbText, trinoText]: readonly [string, string],
): Promise<void> {
  const expected = (await sql.run(duckdbText)).rows.map((row) => row.map((value) => plain(value)));
  const actual = (await trino.query(trinoText, database)).map((row) => row.map((value) => plain(value)));
  const [ours, theirs] = [sorted(expected), sorted(actual)];
  const at = ours.findIndex((row, index) => row !== theirs[index]);
  if (at < 0 && ours.length === theirs.length) {
    console.log(`✓ ${what}: ${ours.length} rows`);
    return;
  }
  differences += 1;
  console.log(`✗ ${what}: ${ours.length} rows by DuckDB, ${theirs.length} by Trino`);
  console.log(`  DuckDB: ${ours[at]}\n  Trino:  ${theirs[at]}`);
}

/**
 * Times of questions are compared to the second, and decimals to three digits, because the engines print them in their
 * own ways.
 */
function plain(value: unknown): string {
  const text = String(value);
  const time = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)/.exec(text);
  if (time !== null) {
    return `${time[1]} ${time[2]}`;
  }
  return /^-?\d+\.\d+(E-?\d+)?$/.test(text) ? String(Math.round(Number(text) * 1000) / 1000) : text;
}

function sorted(rows: readonly (readonly string[])[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
