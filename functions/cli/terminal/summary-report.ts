/** Describes a run's summary. Pure except for colors. */
import { duration } from '../../clock.ts';
import { describeError } from '../../errors.ts';
import type { Summary } from '../../sync/summary.ts';
import { bytes, count, counted, paragraph, shortTime } from './formats.ts';
import { paint } from './output.ts';

/** How a run ended. */
export interface EndOfRun {
  readonly wasInterrupted: boolean;
  /** Executions that wait for their rule results. */
  readonly resultsWaiting: number;
  /** What the quota allows. */
  readonly requestsPerSecond: number;
  /** Gaps in coverage. */
  readonly gapsLeft: number;
  /** Rows that it had to read, from the source's count; null if unknown. */
  readonly expectedRows: number | null;
}

/** Describes the result of one target's sync, and how to continue. */
export function describeSummary(summary: Summary, how: EndOfRun): string {
  const { wasInterrupted, gapsLeft } = how;
  const gaps = `interrupted with ${counted(gapsLeft, 'gap')} in coverage left; later syncs fill them; to fill all now: dqsync backfill`;
  return describeRun(summary, how, endOf(summary, how), wasInterrupted && summary.done && gapsLeft > 0 ? [gaps] : []);
}

/**
 * Describes the result of one target's run.
 *
 * @param end how it ended
 * @param remarks further lines
 */
export function describeRun(summary: Summary, how: EndOfRun, end: string, remarks: readonly string[] = []): string {
  const { target, done, error } = summary;
  const mark = error !== undefined ? paint.red('✗') : done ? paint.green('✓') : paint.yellow('…');
  return [
    `${mark} ${paint.bold(target)}  ${end}`,
    ...numbers(summary, how),
    ...remarks,
    ...(error === undefined ? [] : [`${paint.red('error:')} ${paragraph(describeError(error))}`]),
  ].join('\n  ');
}

/** Returns lines about what was read, written and left over; none if nothing was requested and nothing waits. */
function numbers(summary: Summary, how: EndOfRun): string[] {
  const { requests, rowsWritten, results } = summary;
  return [
    ...(requests > 0 || rowsWritten > 0 || results > 0 ? [readAndWritten(summary), leftOver(summary)] : []),
    ...(how.resultsWaiting > 0 ? [waitingText(how)] : []),
  ];
}

function waitingText({ resultsWaiting, requestsPerSecond }: EndOfRun): string {
  const wait = `${counted(resultsWaiting, 'execution')} ${resultsWaiting === 1 ? 'waits' : 'wait'} for rule results`;
  // Most results need one request.
  const needed = duration(Math.max(1000, (1000 * resultsWaiting) / requestsPerSecond));
  return `${wait}; later syncs fetch them; to fetch all now, in about ${needed}: dqsync sync --results`;
}

function endOf(summary: Summary, how: EndOfRun): string {
  const reached =
    summary.watermark === null ? 'nothing is complete yet' : `complete up to ${shortTime(summary.watermark)}`;
  if (summary.error !== undefined) {
    // Without `from`, it failed before the checkpoint was read.
    return summary.from === null ? 'failed' : `failed; ${reached}`;
  }
  if (summary.done) {
    return reached;
  }
  if (summary.waitingFor !== undefined) {
    return 'waiting for credentials: the secret has no value yet. Store it, then run dqsync sync again.';
  }
  const why = how.wasInterrupted ? 'interrupted' : 'out of time (maxRunSeconds)';
  if (summary.from === null) {
    return `not started: ${why}. Run dqsync sync again to continue.`;
  }
  const goal = summary.to === null ? '' : ` (goal: ${shortTime(summary.to)})`;
  return `${why}. ${committedRows(summary, how.expectedRows)}, ${reached}${goal}; run dqsync sync again to continue`;
}

/** `4,000 of 29,021 rows are committed`. */
export function committedRows({ rowsWritten }: Summary, expectedRows: number | null): string {
  const isKnown = expectedRows !== null && expectedRows >= rowsWritten;
  return isKnown
    ? `${count(rowsWritten)} of ${counted(expectedRows, 'row')} are committed`
    : `${counted(rowsWritten, 'row')} ${rowsWritten === 1 ? 'is' : 'are'} committed`;
}

function readAndWritten(summary: Summary): string {
  const { rowsRead, rowsWritten, files, requests, throttled, retries, done } = summary;
  const trouble = [
    throttled === 0 ? [] : [`${count(throttled)} throttled`],
    retries === 0 ? [] : [`${counted(retries, 'retry', 'retries')}`],
  ].flat();
  const asked = `${counted(requests, 'request')}${trouble.length === 0 ? '' : ` (${trouble.join(', ')})`}`;
  const written =
    rowsWritten === 0 && done
      ? 'nothing new to write'
      : `${counted(rowsWritten, 'row')} written in ${counted(files, 'file')} (${bytes(summary.bytes)})`;
  return `${counted(rowsRead, 'row')} read in ${asked}, ${written}`;
}

function leftOver({ openExecutions, expired, quarantined, results }: Summary): string {
  const quarantine =
    quarantined === 0 ? 'none quarantined' : paint.yellow(`${counted(quarantined, 'unreadable row')} quarantined`);
  const fetched = results === 0 ? '' : `, rule results of ${counted(results, 'execution')}`;
  const old = expired === 0 ? '' : paint.yellow(` (and ${count(expired)} expired: open for longer than maxOpenDays)`);
  return `${counted(openExecutions, 'execution')} still open${old}, ${quarantine}${fetched}`;
}
