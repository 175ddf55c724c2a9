/** `dqsync list`: lists instances directly from the source, with every documented filter. */
import { isoTime } from '../../clock.ts';
import type { Config, TargetConfig } from '../../config.ts';
import { ConfigError } from '../../errors.ts';
import { filterNames } from '../../filters.ts';
import type { PageFilter } from '../../model.ts';
import { selectTargets } from '../../sync/targets.ts';
import { askableMs, parseTimeArgument } from '../../time-range.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { count, counted, printable, shownAt } from '../terminal/formats.ts';
import { consoleLog, writeData, writeJson, writeNote } from '../terminal/output.ts';
import { noteQuotaWait, openPacedConnections } from '../terminal/paced-connections.ts';
import { renderTable } from '../terminal/table.ts';
import { executionJson, type ListColumn, parseColumns } from './list-columns.ts';
import { type Listed, listLatest } from './list-pages.ts';
import { listTasks } from './list-tasks.ts';

/** Values of the filters, which may be repeated. */
type FilterOptions = { readonly [Name in keyof PageFilter]?: readonly string[] };

interface ListOptions extends FilterOptions {
  readonly config: string;
  readonly target?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  readonly offset: number;
  readonly columns?: string;
  readonly vertical?: boolean;
  readonly tasks?: boolean;
  readonly json?: boolean;
}

/**
 * Requests and prints the list.
 *
 * @throws ConfigError, CredentialsError, SourceError
 */
export async function list(options: ListOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const target = oneTarget(config, options.target);
  const span = spanOf(options, config.partitionTimeZone);
  const columns = parseColumns(options.columns);
  const connections = await openPacedConnections(config, consoleLog());
  noteQuotaWait(connections);
  const { connect, clock } = connections;
  const source = connect(target, undefined);
  try {
    if (options.tasks) {
      await listTasks(source.tasks, target.name, options);
      return 0;
    }
    const { listed, listedFromMs } = await listLatest(source.fetchPage, clock.now(), {
      ...span,
      filters: filtersOf(target, options),
      limit: options.limit,
      offset: options.offset,
    });
    if (options.json) {
      writeJson({
        target: target.name,
        count: listed.count,
        instances: listed.executions.map(executionJson),
        unreadable: listed.unreadable.map(({ rawText, reason }) => ({ reason, row: rawText })),
      });
    } else {
      writeListed(listed, columns, options);
    }
    if (listedFromMs !== null) {
      const shown = `Only what started from ${shownAt(listedFromMs)} on was listed: the source refuses longer spans.`;
      writeNote(`${shown} Give --from and --to for an earlier one.`);
    }
  } finally {
    await source.close();
  }
  return 0;
}

function oneTarget(config: Config, name: string | undefined): TargetConfig {
  const [target, another] = selectTargets(config, name === undefined ? undefined : [name]);
  if (target === undefined || another !== undefined) {
    throw new ConfigError('list needs one target, but the config has several', {
      remedy: `Choose one with --target: ${config.targets.map((each) => each.name).join(', ')}.`,
    });
  }
  return target;
}

function spanOf({ from, to }: ListOptions, timeZone: string): { startTimeMs: number; endTimeMs: number } {
  const startTimeMs = from === undefined ? askableMs.first : parseTimeArgument(from, '--from', timeZone);
  const endTimeMs = to === undefined ? askableMs.last : parseTimeArgument(to, '--to', timeZone);
  if (startTimeMs > endTimeMs) {
    throw new ConfigError(`--from ${isoTime(startTimeMs)} is later than --to ${isoTime(endTimeMs)}`, {
      remedy: 'Swap them.',
    });
  }
  return { startTimeMs, endTimeMs };
}

/** Returns one filter for each combination of values. Options replace the values of the target's own filter. */
function filtersOf({ filter }: TargetConfig, options: ListOptions): PageFilter[] {
  const own = Object.entries(filter ?? {}).map(([name, value]) => [name, [value]] as const);
  const values = new Map<string, readonly string[]>(own);
  for (const name of filterNames) {
    values.set(name, options[name] ?? values.get(name) ?? []);
  }
  let filters: PageFilter[] = [{}];
  for (const [name, each] of [...values].filter(([, given]) => given.length > 0)) {
    filters = filters.flatMap((one) => [...new Set(each)].map((value) => ({ ...one, [name]: value })));
  }
  return filters;
}

function writeListed(
  { count: total, executions, unreadable }: Listed,
  columns: readonly ListColumn[],
  { offset, vertical }: ListOptions,
): void {
  if (executions.length > 0) {
    const names = columns.map(({ name }) => name);
    const rows = executions.map((execution) => columns.map(({ shown }) => shown(execution)));
    writeData(renderTable(names, rows, { isVertical: vertical }));
  }
  for (const { reason, rawText } of unreadable) {
    writeData(`unreadable row (${printable(reason)}): ${printable(rawText)}`);
  }
  writeNote(`(${howMany(executions.length + unreadable.length, total, offset)})`);
}

function howMany(rows: number, total: number | null, offset: number): string {
  if (total === null) {
    return `${counted(rows, 'row')}; the source reports no count`;
  }
  if (total <= offset + rows) {
    return `${counted(rows, 'row')}; the source counts ${count(total)}`;
  }
  return offset === 0
    ? `${count(rows)} of ${counted(total, 'row')} shown; all with --limit ${total}`
    : `rows ${count(offset + 1)} to ${count(offset + rows)} of ${count(total)} shown`;
}
