/**
 * Computes the monthly cost of a deployment from its usage and AWS's prices. Pure. infra/README.md shows the result,
 * and cost.test.ts compares both.
 */
import { type MetricDefinition, metrics } from '../../functions/metrics.ts';
import { type AlarmKind, alarmKinds } from '../../infra/alarm-kinds.ts';
import { usagePrices } from '../../infra/dashboard.ts';
import { reportMemoryMb } from '../../infra/report-function.ts';

/** List prices in USD, us-east-1, without free tiers. */
const prices = {
  ...usagePrices,
  scheduledEvent: 1e-6,
  /** S3: PUT and LIST; GET; storage per GB and month. */
  s3Put: 5e-6,
  s3Get: 0.4e-6,
  s3GbMonth: 0.023,
  /** CloudWatch, per month; a metric only for the hours in which it has values. */
  metric: 0.3,
  alarm: 0.1,
  /**
   * CloudWatch Logs: per GB that is written; per GB and month that is kept; per GB that a query of the dashboard scans.
   */
  logGb: 0.5,
  logGbMonth: 0.03,
  logScanGb: 0.005,
  secret: 0.4,
  secretRead: 5e-6,
} as const;

/** The permanent free tier of every AWS account per month, in the units of `prices`. */
const alwaysFree: Partial<Record<keyof typeof prices, number>> = {
  lambdaGbSecond: 400_000,
  lambdaRequest: 1_000_000,
  scheduledEvent: 14_000_000,
  metric: 10,
  alarm: 10,
  logGb: 5,
  logGbMonth: 5,
  logScanGb: 5,
};

/** The size and usage of a deployment. */
export interface Workload {
  readonly targets: number;
  /** Rows per day and target. */
  readonly rowsPerDay: number;
  /** Incremental runs a day. Default 24. */
  readonly runsPerDay?: number;
  /** Share of the executions that fail or raise an alarm, whose rule results are fetched. Default 0.05. */
  readonly failedShare?: number;
  /** Whether the report is published, each hour. Default: false. */
  readonly publishesReport?: boolean;
}

/** One line of the bill. */
export interface CostLine {
  readonly what: string;
  readonly price: keyof typeof prices;
  readonly quantity: number;
  readonly usd: number;
  /** After the permanent free tier, if nothing else uses it. */
  readonly usdAfterFree: number;
}

const days = 30;
/** What a deployment has by default. */
const memoryMb = 512;
const hoursADay = 24;
/** The lookback and the quota that a config has by default. */
const lookbackMinutes = 15;
const requestsPerSecond = 4;
const maintenanceRequestsPerSecond = 3;
/** Duration of a request to the source; measured with a simulated latency of 200 ms. */
const startSeconds = 1.5;
/**
 * Estimates: START, REPORT, the summary and the metrics of one target; checkpoint without and per recent row; a row in
 * small files.
 */
const logBytes = 5_000;
const checkpointBytes = 10_000;
const recentBytes = 60;
const rowBytes = 86;
const runHistoryBytes = 100_000;
/** Rule results are written and committed for so many executions at a time (results.ts). */
const executionsOfResults = 100;
/** `results.json`: an execution in it; it knows those of the last day, but no more than 12,000 (pending-results.ts). */
const pendingBytes = 75;
const maxPending = 12_000;
/** Days with more files are compacted (compact-day.ts). One listing per table: 1,000 files are a month of them. */
const maxFilesOfDay = 8;
const listingsOfCompaction = 3;
/**
 * The report: its duration, measured with 300,000 executions; its page; the days that it reads at most; its listings.
 */
const reportSeconds = 10;
const pageBytes = 1_000_000;
const reportDays = 60;
const listingsOfReport = 7;
/** How long noncurrent versions of the state documents are kept. */
const keptDays = 30;
/** Views of the dashboard per month. Each view scans three hours of logs in eight charts. */
const looks = 60;
const scannedShare = (8 * 3) / (days * hoursADay);

/** Returns the lines of a month's bill. Queries in Athena are not in it. */
export function monthlyCost(workload: Workload): CostLine[] {
  const { targets, rowsPerDay, runsPerDay = 24, failedShare = 0.05 } = workload;
  const runs = days * runsPerDay;
  const newRows = rowsPerDay / runsPerDay;
  const lookbackRows = (rowsPerDay * lookbackMinutes) / (hoursADay * 60);
  const requests = Math.ceil((newRows + lookbackRows) / 100) + 2;
  const runSeconds = startSeconds + requests / requestsPerSecond;
  // The audit: a request a day of the last month, and as long again for the other steps.
  const maintenanceSeconds = startSeconds + (2 * days) / maintenanceRequestsPerSecond;
  const seconds = targets * (runs * runSeconds + days * maintenanceSeconds);
  const reports = workload.publishesReport === true ? days * hoursADay : 0;
  const commits = commitsOf(newRows);
  const compaction = compactionOf([runsPerDay * commits, runsPerDay]);
  const results = resultsOf(newRows * failedShare, commits);
  // A run writes data with each commit, the checkpoint before and after it, and its record; a maintenance its record, the
  // audit's and some files.
  const puts =
    targets * (runs * (3 * commits + 1 + results.puts) + days * (5 + compaction.puts)) +
    reports * (1 + targets * listingsOfReport);
  // A run reads its checkpoint, `results.json` and its record. A report copies a file for each compacted day, and all
  // files of today and yesterday.
  const gets =
    targets *
    (runs * (3 + results.gets) + days * (6 + compaction.gets) + reports * (reportDays + 2 * runsPerDay * commits));
  const stateBytesOfRun =
    2 * commits * (checkpointBytes + recentBytes * lookbackRows) +
    results.records * runHistoryBytes +
    results.documents * pendingBytes * Math.min(maxPending, rowsPerDay * failedShare);
  const storedBytes =
    targets * (days * rowsPerDay * rowBytes + keptDays * runsPerDay * stateBytesOfRun) + reports * pageBytes;
  const logGb = ((targets * (runs + days) + reports) * logBytes) / 1e9;
  const { stackAlarms, targetAlarms } = alarmsOf();
  const quantities: [string, keyof typeof prices, number][] = [
    ['Lambda, time', 'lambdaGbSecond', (seconds * memoryMb + reports * reportSeconds * reportMemoryMb) / 1024],
    ['Lambda, invocations', 'lambdaRequest', runs + days + reports],
    ['Scheduler', 'scheduledEvent', runs + days + reports],
    ['S3, writes and listings', 's3Put', puts],
    ['S3, reads', 's3Get', gets],
    ['S3, storage after a month', 's3GbMonth', storedBytes / 1e9],
    ['metrics of our own', 'metric', metricMonths(targets)],
    ['alarms', 'alarm', stackAlarms + targets * targetAlarms + (workload.publishesReport === true ? 1 : 0)],
    ['logs, written', 'logGb', logGb],
    ['logs, kept 90 days', 'logGbMonth', 3 * logGb],
    ['logs, read by the dashboard', 'logScanGb', looks * scannedShare * logGb],
    ['secrets', 'secret', targets],
    ['secrets, reads', 'secretRead', targets * (runs + days)],
  ];
  return quantities.map(([what, price, quantity]) => ({
    what,
    price,
    quantity,
    usd: quantity * prices[price],
    usdAfterFree: Math.max(0, quantity - (alwaysFree[price] ?? 0)) * prices[price],
  }));
}

/** Returns the sum of all lines in USD. */
export function totalOf(lines: readonly CostLine[], column: 'usd' | 'usdAfterFree' = 'usd'): number {
  return lines.reduce((sum, line) => sum + line[column], 0);
}

/** Returns the table of infra/README.md, as Markdown. */
export function costTable(): string {
  const workloads = [10_000, 1_000_000].map((rowsPerDay) => monthlyCost({ targets: 1, rowsPerDay }));
  const [small = [], large = []] = workloads;
  const rows = small.map((line, index) => [line, large[index] ?? line] as const);
  return [
    '| per month | price, USD | 10,000 rows a day | USD | USD after the free tier | 1,000,000 rows a day | USD |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(([line, more]) =>
      cells([
        line.what,
        priceText(prices[line.price]),
        amount(line.quantity),
        usd(line.usd),
        usd(line.usdAfterFree),
        amount(more.quantity),
        usd(more.usd),
      ]),
    ),
    cells([
      '**together**',
      '',
      '',
      `**${usd(totalOf(small))}**`,
      `**${usd(totalOf(small, 'usdAfterFree'))}**`,
      '',
      `**${usd(totalOf(large))}**`,
    ]),
  ].join('\n');
}

/** A run commits after 2,500, 5,000 and then each 10,000 rows, and at its end. */
function commitsOf(rows: number): number {
  let commits = 1;
  for (let left = rows; left > Math.min(10_000, 2_500 * 2 ** (commits - 1)); commits += 1) {
    left -= Math.min(10_000, 2_500 * 2 ** (commits - 1));
  }
  return commits;
}

/** Returns the requests that rule results add to a run, and how often it then writes its record and `results.json`. */
function resultsOf(
  executions: number,
  commits: number,
): { readonly puts: number; readonly gets: number; readonly records: number; readonly documents: number } {
  if (executions === 0) {
    return { puts: 0, gets: 0, records: 1, documents: 0 };
  }
  const files = Math.ceil(executions / executionsOfResults);
  // Noted with each commit, read again before each file, and taken off after it.
  const documents = commits + files;
  return { puts: files + documents + 1, gets: 1 + files, records: 2, documents };
}

/**
 * Returns the requests with which a day's maintenance compacts the day that has settled. The table of tasks has too few
 * files a day.
 *
 * @param filesOfDay of observations, and of rule results if executions fail in every run
 */
function compactionOf(filesOfDay: readonly number[]): { readonly puts: number; readonly gets: number } {
  const compacted = filesOfDay.filter((files) => files > maxFilesOfDay);
  const files = compacted.reduce((sum, count) => sum + count, 0);
  // Each replaced file is tagged, and on the next day once more if it has not expired.
  return { puts: listingsOfCompaction + compacted.length + 2 * files, gets: 2 * compacted.length + files };
}

function alarmsOf(): { readonly stackAlarms: number; readonly targetAlarms: number } {
  const kinds = Object.values<AlarmKind>(alarmKinds).filter(({ isOptional }) => isOptional !== true);
  const targetAlarms = kinds.filter(({ isOfTarget }) => isOfTarget).length;
  return { stackAlarms: kinds.length - targetAlarms, targetAlarms };
}

/** Metrics, each by the part of the month's hours in which it has values; a row is hardly ever quarantined. */
function metricMonths(targets: number): number {
  const shares: Readonly<Record<MetricDefinition['sent'], number>> = {
    'every run': 1,
    'every maintenance': 1 / hoursADay,
    'if above zero': 0,
  };
  return Object.values<MetricDefinition>(metrics).reduce(
    (sum, { of, sent }) => sum + shares[sent] * (of === 'target' ? targets : 1),
    0,
  );
}

function cells(texts: readonly string[]): string {
  return `| ${texts.join(' | ')} |`;
}

function usd(value: number): string {
  return value.toFixed(2);
}

function amount(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(2)));
}

function priceText(value: number): string {
  return value >= 0.001 ? String(value) : `${Number((value * 1e6).toPrecision(6))} a million`;
}
