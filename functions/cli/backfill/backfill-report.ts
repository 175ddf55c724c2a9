/** Describes the result of a backfill, and the estimate of one. Pure except for colors. */
import type { Config } from '../../config.ts';
import type { Estimate } from '../../sync/estimate.ts';
import type { Summary } from '../../sync/summary.ts';
import { bytes, count, counted, shortTime } from '../terminal/formats.ts';
import { paint } from '../terminal/output.ts';
import { committedRows, describeRun, type EndOfRun } from '../terminal/summary-report.ts';

/** Maximum number of windows listed. */
const shownWindows = 10;

/**
 * Describes the result of one target's backfill.
 *
 * @param command the command that resumes it
 */
export function describeBackfill(summary: Summary, command: string, how: EndOfRun): string {
  return describeRun(summary, how, endOf(summary, command, how.expectedRows));
}

function endOf(summary: Summary, command: string, expectedRows: number | null): string {
  const committed = committedRows(summary, expectedRows);
  if (summary.error !== undefined) {
    return `failed. ${committed}. To continue: ${command}`;
  }
  if (summary.from === null && !summary.done) {
    return `not started: interrupted. To continue: ${command}`;
  }
  if (summary.from === null || summary.to === null) {
    return 'nothing is covered yet, so there are no gaps: run dqsync sync, or give --from and --to';
  }
  const range = `${shortTime(summary.from)} to ${shortTime(summary.to)}`;
  if (!summary.done) {
    return `interrupted. ${committed}; run the same command again to continue: ${command}`;
  }
  return summary.requests === 0 ? `${range} was already complete` : `${range} is complete`;
}

/** Describes the estimate of one target's backfill. */
export function describeEstimate(estimate: Estimate, { source: { quota } }: Config): string {
  const { target, from, to, windows } = estimate;
  const title = paint.bold(target);
  if (from === null || to === null) {
    return `${title}  nothing is covered yet, so there are no gaps: run dqsync sync, or give --from and --to`;
  }
  const range = `${shortTime(from)} to ${shortTime(to)}`;
  if (windows.length === 0) {
    return `${title}  ${range} is already complete: nothing to read`;
  }
  const [first = '', ...others] = windows.map((window) => `${shortTime(window.from)} to ${shortTime(window.to)}`);
  if (others.length === 0) {
    const part = first === range ? '' : `, the missing part of ${range}`;
    return `${title}  would read ${first}${part}:\n  ${costOf(estimate, quota)}`;
  }
  const more = windows.length - shownWindows;
  return [
    `${title}  would read ${counted(windows.length, 'window')} of ${range}:`,
    ...[first, ...others].slice(0, shownWindows),
    ...(more > 0 ? [`and ${count(more)} more`] : []),
    costOf(estimate, quota),
  ].join('\n  ');
}

function costOf(
  { rows, isCounted, requests, seconds, bytes: size }: Estimate,
  quota: Config['source']['quota'],
): string {
  if (rows === null || requests === null || seconds === null || size === null) {
    return 'row count unknown: the source reports no totals, and there is no nearby coverage to extrapolate from';
  }
  const about = isCounted ? '' : 'about ';
  const share = Math.round(100 * (1 - quota.reservedForSync));
  return `${about}${counted(rows, 'row')}, ${counted(requests, 'request')}, ${timeOf(seconds)} at ${share} % of the quota, ${bytes(size)} of Parquet`;
}

function timeOf(seconds: number): string {
  if (seconds < 120) {
    return counted(seconds, 'second');
  }
  return seconds < 7200 ? counted(Math.ceil(seconds / 60), 'minute') : `${(seconds / 3600).toFixed(1)} hours`;
}

/**
 * Returns a warning about a deployed backfill whose first days Athena would not show; null if it shows all.
 *
 * @param from a day or an instant as text; a relative time is never that far back, and is ignored
 * @param firstDay first day of the deployed table's projection; undefined if unknown
 */
export function hiddenDaysWarning(from: string | undefined, firstDay: string | undefined): string | null {
  const day = /^\d{4}-\d\d-\d\d/.exec(from ?? '')?.[0];
  if (day === undefined || firstDay === undefined || day >= firstDay) {
    return null;
  }
  return `Athena shows no day before ${firstDay}. The backfill still writes them. To see them, set deployment.firstDay to "${day}" and run npx cdk deploy.`;
}
