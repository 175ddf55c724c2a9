/** `dqsync demo`: a simulated source with a month of history, two syncs, and SQL over the result. */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Clock, isoTime, parseTime, systemClock } from '../../clock.ts';
import { type Config, parseConfig } from '../../config.ts';
import { type Connections, openConnections } from '../../connect.ts';
import { InternalError } from '../../errors.ts';
import type { Window } from '../../model.ts';
import { openWarehouseSql } from '../../query/duckdb.ts';
import { makeReport } from '../../report/make-report.ts';
import { runTargets } from '../../sync/run.ts';
import type { Summary } from '../../sync/summary.ts';
import { isAllFine, verifyTarget } from '../../verify/target-verifier.ts';
import { makeFolder } from '../../warehouse/folders.ts';
import { consoleLog, paint, writeLine } from '../terminal/output.ts';
import { writePage, writingInto } from '../terminal/own-files.ts';
import { openProgressBar, type ProgressBar } from '../terminal/progress-bar.ts';
import { describeSummary } from '../terminal/summary-report.ts';
import { openTableView } from '../verify/table-view.ts';
import { describeVerified } from '../verify/verify-report.ts';
import { executionsOf, passRateChart, rulesFailingMost, silentAlarms } from './demo-report.ts';
import { type DemoSource, startDemoSource } from './demo-source.ts';

const days = 30;
/** The command that the user types. In a clone, it is not in the PATH. */
const command = import.meta.filename.endsWith('.ts') ? 'npx dqsync' : 'dqsync';

/** Time of the first sync before now. The second sync happens now. */
const passingMs = 6 * 3_600_000;
const dayMs = 86_400_000;
const folder = join('.dqsync', 'demo');
const configPath = join(folder, 'dqsync.json');
const reportPath = join(folder, 'report.html');
const cacheFolder = join(folder, 'cache');

/**
 * Runs the demo.
 *
 * @returns 0; 1 if a sync failed or the table differs from the source
 */
export async function demo(): Promise<number> {
  const startedMs = systemClock.now();
  const source = await startDemoSource(startedMs - passingMs, days);
  try {
    return await play(source, startedMs);
  } finally {
    await source.close();
  }
}

async function play(source: DemoSource, startedMs: number): Promise<number> {
  // From a midnight on, so that the table has as many calendar days as the demo says.
  const fromMs = Math.floor(startedMs / dayMs) * dayMs - (days - 1) * dayMs;
  const config = await writeConfig(source, fromMs);
  let behindMs = passingMs;
  const clock: Clock = { now: () => systemClock.now() - behindMs, sleep: systemClock.sleep };
  writeLine(`A simulated DataArts with ${days} days of quality runs; dqsync copies it into ${folder}, twice.`);

  const bar = openProgressBar();
  process.once('SIGINT', () => {
    bar.clear();
    process.exit(130);
  });
  // Without the environment, because no proxy leads to this machine.
  const connections = await openConnections(config, consoleLog(bar.clear), {}, clock);
  title('1. The first sync, six hours ago');
  const first = await sync(config, connections, bar);
  source.pass(startedMs);
  behindMs = 0;
  title('2. Six hours later: runs have ended, new ones have started, and a failed one was run again');
  const second = await sync(config, connections, bar);
  const watermarkMs = parseTime(second.watermark ?? '');
  if (first.error !== undefined || second.error !== undefined || watermarkMs === null) {
    return 1;
  }

  await showWarehouse(connections, source);
  title('7. The table compared with the source, execution by execution');
  const window = { fromMs, toMs: watermarkMs };
  const isFine = await verify(config, connections, bar, window);
  const { html } = await makeReport({ config, targets: config.targets, connections, days, cacheFolder });
  await writePage(reportPath, html);
  title('Next steps');
  writeLine(`  ${command} query --config ${configPath} "SELECT dt, count(*) FROM quality_instances GROUP BY dt ORDER BY dt"
  ${command} status --config ${configPath}
The simulated source stops now, so list, verify and sync no longer work with this config.
The files are in ${join(folder, 'warehouse')}. All this took ${((systemClock.now() - startedMs) / 1000).toFixed(1)} seconds.

${paint.bold('What failed, since when, and how often: open this page in a browser')}
  ${pathToFileURL(resolve(reportPath)).href}`);
  return isFine ? 0 : 1;
}

/** Removes the previous demo, and writes the config. */
async function writeConfig(source: DemoSource, initialFromMs: number): Promise<Config> {
  const secretPath = join(folder, 'secret.json');
  const document = {
    warehouse: `file:${resolve(folder, 'warehouse')}`,
    // More than DataArts allows (40 in 10 seconds); otherwise the demo would take minutes.
    source: { endpoint: source.url, iamEndpoint: source.url, quota: { requests: 200, perSeconds: 0.5 } },
    targets: [
      {
        name: 'demo',
        projectId: source.projectId,
        workspace: source.workspace,
        credentials: `file:${resolve(secretPath)}`,
      },
    ],
    initialFrom: isoTime(initialFromMs),
  };
  await writingInto(folder, async () => {
    await makeFolder(resolve(folder));
    for (const entry of await readdir(folder)) {
      await rm(join(folder, entry), { recursive: true });
    }
    await writeFile(secretPath, `${JSON.stringify(source.secret, null, 2)}\n`, { mode: 0o600 });
    await writeFile(configPath, `${JSON.stringify(document, null, 2)}\n`);
  });
  return parseConfig(document, configPath);
}

async function sync(config: Config, connections: Connections, bar: ProgressBar): Promise<Summary> {
  const [summary] = await runTargets({
    ...connections,
    config,
    limitMs: Number.POSITIVE_INFINITY,
    stop: new AbortController().signal,
    // Single executions of a simulated source are not worth a log line; the summaries show the rest.
    log: () => undefined,
    onProgress: bar.update,
    tasks: true,
    results: 'all',
  });
  bar.clear();
  if (summary === undefined) {
    throw new InternalError('the demo has no target');
  }
  writeLine(describeSummary(summary, { wasInterrupted: false, resultsWaiting: 0, gapsLeft: 0, expectedRows: null }));
  return summary;
}

/** Queries the files just written. */
async function showWarehouse({ store }: Connections, source: DemoSource): Promise<void> {
  const sql = await openWarehouseSql(store, cacheFolder);
  try {
    title('3. Pass rate by day');
    writeLine(await passRateChart(sql));
    title('4. Rules failing most, by table and column');
    writeLine(await rulesFailingMost(sql));
    title('5. Alarms nobody was notified of');
    writeLine(await silentAlarms(sql));
    title('6. The failed run that was repeated: the table keeps both');
    writeLine(await executionsOf(sql, source.rerunId));
  } finally {
    await sql.close();
  }
}

/** Compares as `dqsync verify --deep` does. Returns whether the table holds everything. */
async function verify(config: Config, connections: Connections, bar: ProgressBar, window: Window): Promise<boolean> {
  let isFine = true;
  for (const target of config.targets) {
    const verified = await verifyTarget({
      ...{ config, target, connections, window, isDeep: true, isRepairing: false },
      openTable: (ofTarget) => openTableView(connections.store, ofTarget, config.partitionTimeZone, cacheFolder),
      stop: new AbortController().signal,
      log: () => undefined,
      onProgress: bar.update,
    });
    bar.clear();
    writeLine(describeVerified(verified, `${command} verify --config ${configPath}`));
    isFine &&= isAllFine(verified);
  }
  return isFine;
}

function title(text: string): void {
  writeLine(`\n${paint.bold(text)}`);
}
