/** A run's summary in words. Pure but for colours. */
import type { Summary, SummaryError } from '../../sync/summary.ts';
import { bytes, count, counted, paragraph, shortTime } from './formats.ts';
import { paint } from './output.ts';

/** What a run did to a target: how it ended, what it read and wrote, how to go on. */
export function describeSummary(summary: Summary, wasInterrupted: boolean): string {
  const lines = [`${summaryMark(summary)} ${paint.bold(summary.target)}  ${endOf(summary, wasInterrupted)}`];
  lines.push(...summaryNumbers(summary).map((line) => `  ${line}`));
  if (summary.error !== undefined) {
    lines.push(`  ${paint.red('error:')} ${describeSummaryError(summary.error)}`);
  }
  return lines.join('\n');
}

/** An error of a summary as one paragraph. */
export function describeSummaryError(error: SummaryError): string {
  const codes = [
    error.code === undefined || error.message.includes(error.code) ? [] : [`code ${error.code}`],
    error.requestId === undefined ? [] : [`request id ${error.requestId}`],
  ].flat();
  return paragraph(`${error.message}${codes.length === 0 ? '' : ` (${codes.join(', ')})`}. ${error.remedy}`);
}

/** What was read, written and left over, a line each; nothing where nothing was asked. */
export function summaryNumbers(summary: Summary): string[] {
  return summary.requests > 0 || summary.rowsWritten > 0 ? [readAndWritten(summary), leftOver(summary)] : [];
}

/** Failed, done, or to be continued. */
export function summaryMark(summary: Summary): string {
  if (summary.error !== undefined) {
    return paint.red('✗');
  }
  return summary.done ? paint.green('✓') : paint.yellow('…');
}

function endOf(summary: Summary, wasInterrupted: boolean): string {
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
  const why = wasInterrupted ? 'interrupted' : 'out of time (maxRunSeconds)';
  if (summary.from === null) {
    return `${why} before its turn came: not begun. Run dqsync sync again to go on.`;
  }
  const goal = summary.to === null ? '' : ` of ${shortTime(summary.to)}`;
  return `${why}; what was proven complete is committed: ${reached}${goal}. Run dqsync sync again to go on.`;
}

function readAndWritten(summary: Summary): string {
  const { rowsRead, rowsWritten, files, requests, throttled, retries, done } = summary;
  const trouble = [
    throttled === 0 ? [] : [`${count(throttled)} throttled`],
    retries === 0 ? [] : [`${count(retries)} sent again`],
  ].flat();
  const asked = `${counted(requests, 'request')}${trouble.length === 0 ? '' : ` (${trouble.join(', ')})`}`;
  const written =
    rowsWritten === 0 && done
      ? 'nothing new to write'
      : `${counted(rowsWritten, 'row')} written in ${counted(files, 'file')} (${bytes(summary.bytes)})`;
  return `${counted(rowsRead, 'row')} read in ${asked}, ${written}`;
}

function leftOver({ openExecutions, quarantined }: Summary): string {
  const quarantine =
    quarantined === 0 ? 'none quarantined' : paint.yellow(`${counted(quarantined, 'unreadable row')} quarantined`);
  return `${counted(openExecutions, 'execution')} still open, ${quarantine}`;
}
