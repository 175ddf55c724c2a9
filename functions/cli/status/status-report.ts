/** A target's status in words. Pure but for colours. */
import { parseTime } from '../../clock.ts';
import { type DqsyncError, describeError } from '../../errors.ts';
import { count, counted, duration, paragraph, shortTime } from '../terminal/formats.ts';
import { paint } from '../terminal/output.ts';
import { describeFutureRows, describeSkew, type SourceClock } from '../terminal/source-clock.ts';
import { type CoverageView, gapLines, rereadingLine, timeline } from './coverage-timeline.ts';
import type { TargetStatus } from './target-status.ts';

/** A target's status, or why there is none; and the source's clocks, or why they are unknown. */
export interface StatusReport {
  readonly target: string;
  readonly status: TargetStatus | { readonly error: DqsyncError };
  /** Null where the checkpoint cannot be read. */
  readonly coverage: CoverageView | null;
  readonly source: SourceClock | { readonly error: DqsyncError };
}

/** What a line is about, and what it says. */
type Fact = readonly [name: string, text: string];

/** Some lines about one target. */
export function describeStatus({ target, status, coverage, source }: StatusReport, nowMs: number): string {
  const facts: readonly Fact[] =
    'error' in status
      ? [['checkpoint', `${paint.red('error:')} ${paragraph(describeError(status.error))}`]]
      : [
          ['complete', completeness(status)],
          ...(coverage === null ? [] : coverageFacts(coverage, target)),
          ['open', openOnes(status)],
          ['last run', lastRun(status, nowMs)],
          ['next run', nextRun(status)],
        ];
  const all = [
    ...facts,
    ['source', 'error' in source ? `cannot be asked: ${paragraph(source.error.message)}` : clocks(source)],
  ];
  return [paint.bold(target), ...all.map(([name = '', text]) => `  ${name.padEnd(10)} ${text}`)].join('\n');
}

function completeness({ watermark, watermarkAgeSeconds, coverage }: TargetStatus): string {
  if (watermark === null || coverage.from === null) {
    return coverage.from === null
      ? 'nothing yet'
      : `${counted(coverage.rows, 'execution')} by backfills, nothing by a sync yet`;
  }
  const gaps =
    coverage.gaps.length === 0 ? 'no gaps' : paint.yellow(`${counted(coverage.gaps.length, 'gap')} before that`);
  const age = duration((watermarkAgeSeconds ?? 0) * 1000);
  return `${shortTime(coverage.from)} to ${paint.bold(shortTime(watermark))} (${age} ago), ${counted(coverage.rows, 'execution')}, ${gaps}`;
}

function coverageFacts(coverage: CoverageView, target: string): Fact[] {
  const cells = timeline(coverage);
  const rereading = rereadingLine(coverage, target);
  const gaps = gapLines(coverage).map((line, index): Fact => [index === 0 ? 'gaps' : '', line]);
  const facts: Fact[] = cells === null ? [] : [['coverage', cells]];
  return [...facts, ...gaps, ...(rereading === null ? [] : [['again', paint.yellow(rereading)] satisfies Fact])];
}

function openOnes({ openExecutions, oldestOpenStart, oldestOpenAgeSeconds }: TargetStatus): string {
  if (oldestOpenStart === null) {
    return 'none';
  }
  const oldest = `started ${shortTime(oldestOpenStart)} (${duration((oldestOpenAgeSeconds ?? 0) * 1000)} ago)`;
  return openExecutions === 1 ? `1 execution, ${oldest}` : `${count(openExecutions)} executions, the oldest ${oldest}`;
}

function lastRun({ lastRun: run }: TargetStatus, nowMs: number): string {
  if (run === null) {
    return 'none yet';
  }
  const at = (iso: string): string => `${shortTime(iso)} (${duration(nowMs - (parseTime(iso) ?? nowMs))} ago)`;
  const written = `${counted(run.rowsWritten, 'row')} written`;
  switch (run.outcome) {
    case 'done':
      return `${paint.green('done')} at ${at(run.committedAt)}, ${written}`;
    case 'stopped':
      if (run.error !== null) {
        return `${paint.yellow(paragraph(run.error))} (last run ${at(run.committedAt)})`;
      }
      return `${paint.yellow('stopped')} before its end at ${at(run.committedAt)}, ${written}`;
    case 'failed':
      return `${paint.red('failed')} at ${at(run.committedAt)}, ${written}: ${paragraph(run.error ?? 'no reason was recorded')}`;
    case 'running':
      return `${paint.yellow('running')}, or killed since: started ${at(run.startedAt)}, last committed ${at(run.committedAt)}, ${written}`;
  }
}

function nextRun({ nextRun: next }: TargetStatus): string {
  const again =
    next.looksAgainAt === 0 ? '' : `, and looks again at ${counted(next.looksAgainAt, 'earlier open execution')}`;
  return `reads ${shortTime(next.from)} to ${shortTime(next.to)}${again}`;
}

function clocks(source: SourceClock): string {
  const future = source.futureRows === 0 ? 'no rows dated in the future' : paint.yellow(describeFutureRows(source));
  return `${describeSkew(source.skewMs)}, ${future}`;
}
