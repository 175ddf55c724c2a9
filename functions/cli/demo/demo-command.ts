/** `dqsync demo`: runs commands, as a user would type them, against a simulated source with a month of history. */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isoTime, systemClock } from '../../clock.ts';
import { makeFolder } from '../../warehouse/folders.ts';
import { query } from '../query/query-command.ts';
import { report } from '../report/report-command.ts';
import { sync } from '../sync/sync-command.ts';
import { fitPipes, paint, writeData, writeLine } from '../terminal/output.ts';
import { writingInto } from '../terminal/own-files.ts';
import { verify } from '../verify/verify-command.ts';
import { type DemoSource, startDemoSource } from './demo-source.ts';

const days = 30;
/** The command that the user types. In a clone, it is not in the PATH. */
const program = import.meta.filename.endsWith('.ts') ? 'npx dqsync' : 'dqsync';

const dayMs = 86_400_000;
const folder = join('.dqsync', 'demo');
const config = join(folder, 'dqsync.json');
const reportPath = join(folder, 'report.html');
/** What commands about targets are given. */
const all = { config, target: [] };

/** Rows of each table. */
const maxRows = 6;
const rulesFailingMost = `SELECT tables, columns, rule_name, dimension, count(*) AS alarms, max(start_time) AS last_alarm
  FROM quality_failures WHERE alarmed GROUP BY ALL ORDER BY alarms DESC, last_alarm DESC`;
const silentAlarms = `SELECT start_time, name, id, notify_status FROM quality_instances
  WHERE run_status = 'ALARMING' AND notify_status <> 'SUCCESS' ORDER BY start_time DESC, id`;
const executionsOf = (id: bigint): string =>
  `SELECT id, start_time, run_status, notify_status, end_time FROM quality_instances WHERE id = ${id} ORDER BY start_time`;

/** A command of the demo. */
interface Step {
  readonly title: string;
  /** The command as text, without --config. */
  readonly typed: string;
  /** Returns its exit code. */
  readonly run: () => Promise<number>;
}

/**
 * Runs the demo.
 *
 * @returns 0; the exit code of the first command that failed or was interrupted
 */
export async function demo(): Promise<number> {
  const startedMs = systemClock.now();
  // Everything that commands keep for later ones goes with the demo.
  process.env['DQSYNC_CACHE'] = resolve(folder, 'cache');
  const firstMs = (Math.floor(startedMs / dayMs) - days) * dayMs;
  const source = await startDemoSource(startedMs, days + 1);
  try {
    await writeFiles(source, firstMs);
    fitPipes();
    writeLine(`A simulated DataArts with ${days} days of quality runs; dqsync copies it into ${folder}.`);
    for (const { title, typed, run } of stepsOn(source)) {
      writeLine(`\n${paint.bold(title)}`);
      writeData(paint.dim(`$ ${program} ${typed} --config ${config}`));
      const exitCode = await run();
      if (exitCode !== 0) {
        return exitCode;
      }
    }
  } finally {
    await source.close();
  }
  writeLine(`
${paint.bold('Next steps')}
  ${program} query --saved "Slowest rules" --config ${config}
  ${program} status --config ${config}
The simulated source stops now, so list, verify and sync no longer work with this config.
The files are in ${join(folder, 'warehouse')}. All this took ${((systemClock.now() - startedMs) / 1000).toFixed(1)} seconds.

${paint.bold('What failed, since when, and how often: open this page in a browser')}
  ${pathToFileURL(resolve(reportPath)).href}`);
  return 0;
}

function stepsOn(source: DemoSource): Step[] {
  const ask = (title: string, sql: string): Step => {
    return { title, typed: `query "${sql.replace(/\s+/g, ' ')}"`, run: () => query(sql, { config, maxRows }) };
  };
  const passRate = 'Pass rate by day';
  return [
    {
      title: '1. The first sync, with tasks, rules and rule results',
      typed: 'sync --tasks --results',
      run: () => sync({ ...all, tasks: true, results: true }),
    },
    {
      title: '2. A failed task was run again: the next sync reads only what is new',
      typed: 'sync --results',
      run: () => {
        source.pass(systemClock.now());
        return sync({ ...all, results: true });
      },
    },
    {
      title: '3. A saved query',
      typed: `query --saved "${passRate}" --max-rows ${maxRows}`,
      run: () => query(undefined, { config, saved: passRate, maxRows }),
    },
    ask('4. Rules failing most, by table and column', rulesFailingMost),
    ask('5. Alarms nobody was notified of', silentAlarms),
    ask('6. The failed run that was repeated: the table keeps both', executionsOf(source.rerunId)),
    {
      title: '7. The table compared with the source, execution by execution',
      typed: 'verify --deep',
      run: () => verify({ ...all, deep: true }),
    },
    {
      title: '8. A page to look at',
      typed: `report --out ${reportPath}`,
      run: () => report({ ...all, days, out: reportPath, expires: 0 }),
    },
  ];
}

/** Removes the previous demo, and writes the config and the secret. */
async function writeFiles({ url, projectId, workspace, secret }: DemoSource, initialFromMs: number): Promise<void> {
  const document = {
    warehouse: 'file:./warehouse',
    // More than DataArts allows (40 in 10 seconds); otherwise the demo would take minutes.
    source: { endpoint: url, iamEndpoint: url, quota: { requests: 200, perSeconds: 0.5 } },
    targets: [{ name: 'demo', projectId, workspace, credentials: 'file:./secret.json' }],
    initialFrom: isoTime(initialFromMs),
    // The simulated source lists each execution immediately.
    settleSeconds: 0,
  };
  await writingInto(folder, async () => {
    await makeFolder(resolve(folder));
    for (const entry of await readdir(folder)) {
      await rm(join(folder, entry), { recursive: true });
    }
    await writeFile(join(folder, 'secret.json'), `${JSON.stringify(secret, null, 2)}\n`, { mode: 0o600 });
    await writeFile(config, `${JSON.stringify(document, null, 2)}\n`);
  });
}
