/** `dqsync report`: writes the last days of the table as one HTML file, or prints the URL of the published page. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isoOrNull, isoTime, systemClock } from '../../clock.ts';
import type { Config } from '../../config.ts';
import { openStore } from '../../connect.ts';
import { ConfigError } from '../../errors.ts';
import { makeReport } from '../../report/make-report.ts';
import type { IncidentData, ReportData, TaskData } from '../../report/report-data.ts';
import { endOf, isFailing } from '../../report/totals.ts';
import { reportKey } from '../../warehouse/layout.ts';
import { isPageStore } from '../../warehouse/store.ts';
import { cacheFolderOf } from '../terminal/cache-folder.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { bytes, count, counted, shownAt } from '../terminal/formats.ts';
import { openTargets, type TargetOptions } from '../terminal/open-targets.ts';
import { noneOfDaysHint, writeJson, writeLine, writeNote, writeResult } from '../terminal/output.ts';
import { writePage } from '../terminal/own-files.ts';
import { renderTable } from '../terminal/table.ts';

interface ReportOptions extends TargetOptions {
  readonly days: number;
  readonly out: string;
  readonly open?: boolean;
  readonly url?: boolean;
  /** How long that URL is valid, in ms. */
  readonly expires: number;
}

/** Maximum number of tasks named on the terminal; the page has all. */
const shownTasks = 5;

/**
 * Writes the page.
 *
 * @throws ConfigError; StorageError if the warehouse cannot be read or the file cannot be written
 */
export async function report(options: ReportOptions): Promise<number> {
  if (options.url) {
    return await showPublished(await loadConfig(options.config), options);
  }
  const opened = await openTargets(options);
  const { config, targets } = opened;
  const cacheFolder = cacheFolderOf(opened.store.url, process.env);
  const { html, data } = await makeReport({ config, targets, connections: opened, days: options.days, cacheFolder });
  const path = resolve(options.out);
  await writePage(path, html);
  const sizeBytes = Buffer.byteLength(html);
  writeResult(options, documentOf(path, sizeBytes, data), () => describeReport(options.out, sizeBytes, data));
  if (options.open) {
    openInBrowser(pathToFileURL(path).href);
  }
  return 0;
}

/** Describes a page in a few lines. */
function describeReport(path: string, sizeBytes: number, data: ReportData): string {
  const failing = failingTasks(data);
  const rows = failing
    .slice(0, shownTasks)
    .map(({ name, outcome, inARow, sinceMs }) => [name, outcome, inARow, sinceMs === null ? null : { ms: sinceMs }]);
  const more = failing.length - rows.length;
  const { leftOut } = data;
  return [
    `${path}: ${counted(data.executions, 'execution')} of ${counted(data.tasks.length + leftOut.tasks, 'task')}, ${data.days[0]} to ${data.days.at(-1)}, ${bytes(sizeBytes)}`,
    data.executions === 0
      ? noneOfDaysHint
      : failing.length === 0
        ? `No task is failing as of ${shownAt(data.asOfMs)}.`
        : `${counted(failing.length, 'task is', 'tasks are')} not passing as of ${shownAt(data.asOfMs)}:`,
    ...(rows.length === 0 ? [] : [renderTable(['task', 'status', 'in_a_row', 'since'], rows)]),
    ...(more === 0 ? [] : [`… and ${count(more)} more`]),
    ...(leftOut.tasks === 0
      ? []
      : [`${counted(leftOut.tasks, 'task')} had no room for a row; the charts count all of them.`]),
  ].join('\n');
}

function isOpen(incident: IncidentData, { tasks }: ReportData): boolean {
  const task = tasks[incident.t];
  return task !== undefined && endOf(incident, task) === null;
}

function failingTasks({ tasks }: ReportData): TaskData[] {
  return tasks.filter(isFailing);
}

/** Returns the document of `--json`. Names and meanings are a contract. */
function documentOf(path: string, sizeBytes: number, data: ReportData): Readonly<Record<string, unknown>> {
  return {
    path,
    bytes: sizeBytes,
    from: data.days[0],
    to: data.days.at(-1),
    asOf: isoTime(data.asOfMs),
    executions: data.executions,
    tasks: data.tasks.length + data.leftOut.tasks,
    failing: failingTasks(data).map((task) => ({
      taskId: task.id,
      name: task.name,
      workspace: data.workspaces[task.w]?.workspace,
      status: task.outcome,
      since: isoOrNull(task.sinceMs),
      inARow: task.inARow,
    })),
    openIncidents: data.incidents.filter((each) => isOpen(each, data)).length,
    leftOut: data.leftOut,
  };
}

/** Prints a URL of the published page. */
async function showPublished(config: Config, { expires, json, open }: ReportOptions): Promise<number> {
  const store = await openStore(config.warehouse, process.env, config.storage);
  if (!isPageStore(store)) {
    throw new ConfigError(`the warehouse ${store.url} is a folder, which has no URL for others`, {
      remedy: 'Write a page with "dqsync report" and send the file; only an s3:// warehouse has a published page.',
      code: 'warehouse',
    });
  }
  const nowMs = systemClock.now();
  const url = await store.signedUrl(reportKey, Math.floor(expires / 1000), nowMs);
  if (url === null) {
    throw new ConfigError(`there is no page ${reportKey} in ${store.url}`, {
      remedy: 'Set "deployment.report" to true and deploy; the page is written each hour. Or use "dqsync report".',
    });
  }
  if (json) {
    writeJson({ url, expires: isoTime(nowMs + expires) });
  } else {
    writeLine(url);
    writeNote(
      `Anyone can open it until ${shownAt(nowMs + expires)}, or until your credentials end if they are temporary.`,
    );
  }
  if (open) {
    openInBrowser(url);
  }
  return 0;
}

/** Opens a URL in the user's browser. Without a browser, prints it. */
function openInBrowser(url: string): void {
  const [command, args] =
    process.platform === 'darwin'
      ? ['open', [url]]
      : process.platform === 'win32'
        ? ['rundll32', ['url.dll,FileProtocolHandler', url]]
        : ['xdg-open', [url]];
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  child.on('error', () => writeNote(`No browser could be started (${command}). Open ${url}`));
  child.unref();
}
