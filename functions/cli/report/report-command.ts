/** `dqsync report`: writes the last days of the table as one HTML file. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isoTime } from '../../clock.ts';
import { openConnections } from '../../connect.ts';
import { ConfigError } from '../../errors.ts';
import { cacheFolderOf } from '../../query/cache-folder.ts';
import type { ReportData, TaskData } from '../../report/report-data.ts';
import { selectTargets } from '../../sync/targets.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { bytes, count, counted, shownAt } from '../terminal/formats.ts';
import { paint, widthOf, writeJson, writeLine, writeNote } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';
import { makeReport } from './make-report.ts';
import { writePage } from './write-page.ts';

/** Options of `report`. */
export interface ReportOptions {
  readonly config: string;
  readonly target: readonly string[];
  readonly days: number;
  readonly out: string;
  readonly open?: boolean;
  readonly json?: boolean;
}

/** Most days on a page, so that it stays readable and below 2 MB. */
const maxReportDays = 120;

/** Width of the output in a pipe, because names may have hundreds of characters. */
const pipeWidth = 100;

/** Most tasks named on the terminal; the page has all. */
const shownTasks = 5;

/**
 * Writes the page.
 *
 * @returns 0
 * @throws ConfigError; StorageError if the warehouse cannot be read or the file cannot be written
 */
export async function report(options: ReportOptions): Promise<number> {
  const config = await loadConfig(options.config);
  if (options.days > maxReportDays) {
    throw new ConfigError(`--days ${options.days} is more than a page can show`, {
      remedy: `Give at most ${maxReportDays} days, or query older ones with "dqsync query".`,
    });
  }
  const targets = selectTargets(config, options.target);
  const connections = await openConnections(config, () => undefined, process.env);
  const cacheFolder = cacheFolderOf(connections.store.url, process.env);
  const { html, data } = await makeReport({ config, targets, connections, days: options.days, cacheFolder });
  const path = resolve(options.out);
  await writePage(path, html);
  const sizeBytes = Buffer.byteLength(html);
  if (options.json) {
    writeJson(documentOf(path, sizeBytes, data));
  } else {
    writeLine(describeReport(options.out, sizeBytes, data));
  }
  if (options.open) {
    openInBrowser(path);
  }
  return 0;
}

/** Describes a page in a few lines. */
function describeReport(path: string, sizeBytes: number, data: ReportData): string {
  const failing = failingTasks(data);
  const rows = failing
    .slice(0, shownTasks)
    .map(({ name, outcome, inARow, sinceMs }) => [name, outcome, inARow, sinceMs === null ? null : shownAt(sinceMs)]);
  const rest = failing.length - rows.length;
  const { leftOut } = data;
  return [
    `${path}: ${counted(data.executions, 'execution')} of ${counted(data.tasks.length + leftOut.tasks, 'task')}, ${data.days[0]} to ${data.days.at(-1)}, ${bytes(sizeBytes)}`,
    failing.length === 0
      ? `No task is failing as of ${shownAt(data.asOfMs)}.`
      : `${counted(failing.length, 'task is', 'tasks are')} not passing as of ${shownAt(data.asOfMs)}:`,
    ...(rows.length === 0
      ? []
      : [renderTable(['task', 'status', 'in_a_row', 'since'], rows, { width: widthOf(process.stdout) ?? pipeWidth })]),
    ...(rest === 0 ? [] : [paint.dim(`… and ${count(rest)} more`)]),
    ...(leftOut.tasks === 0
      ? []
      : [`${counted(leftOut.tasks, 'task')} had no room for a row; the charts count all of them.`]),
  ].join('\n');
}

function failingTasks({ tasks }: ReportData): TaskData[] {
  return tasks.filter(({ outcome }) => outcome === 'ALARMING' || outcome === 'FAILED');
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
      since: task.sinceMs === null ? null : isoTime(task.sinceMs),
      inARow: task.inARow,
    })),
    openIncidents: data.incidents.filter(({ resolvedMs }) => resolvedMs === null).length,
    leftOut: data.leftOut,
  };
}

/** Opens a file in the user's browser. Without a browser, prints its URL. */
function openInBrowser(path: string): void {
  const url = pathToFileURL(path).href;
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
