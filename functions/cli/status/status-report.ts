/** Describes a target's status. Pure except for colors. */
import { duration, parseTime } from '../../clock.ts';
import { type DqsyncError, describeError } from '../../errors.ts';
import { count, counted, daysAsArguments, paragraph, shortTime } from '../terminal/formats.ts';
import { paint } from '../terminal/output.ts';
import { describeFutureRows, describeSkew, type SourceClock } from '../terminal/source-clock.ts';
import { type CoverageView, gapLines, rereadingLine, timeline } from './coverage-timeline.ts';
import type { Problem, TargetStatus } from './target-status.ts';

/** A target's status and the source's clock, or the errors in their place. */
export interface StatusReport {
  readonly target: string;
  /** Null if the target is healthy. */
  readonly problem: Problem | null;
  readonly status: TargetStatus | { readonly error: DqsyncError };
  /** Null if the checkpoint cannot be read. */
  readonly coverage: CoverageView | null;
  /** Null if the source was not contacted. */
  readonly source: SourceClock | { readonly error: DqsyncError } | null;
}

/** What the statuses of all targets share. */
export interface Place {
  /** URL of the warehouse. */
  readonly warehouse: string;
  readonly nowMs: number;
}

/** The name of a line, and its text; null for no line. */
type Fact = readonly [name: string, text: string | null];

/**
 * Describes one target in some lines.
 *
 * @param place the warehouse, and the time now
 */
export function describeStatus(
  { target, status, coverage, source, problem }: StatusReport,
  { warehouse, nowMs }: Place,
): string {
  const isLost = problem?.word === 'no state';
  const facts: readonly Fact[] =
    'error' in status
      ? [['checkpoint', `${paint.red('error:')} ${paragraph(describeError(status.error))}`]]
      : [
          ['complete', isLost ? 'unknown' : completeness(status)],
          ...(coverage === null ? [] : coverageFacts(coverage, target)),
          ['open', openOnes(status)],
          ['expired', expired(status, target)],
          ['set aside', quarantine(status, target)],
          ['results', waitingResults(status, target)],
          ['results', expiredResults(status, target)],
          ['last run', isLost ? null : lastRun(status, nowMs)],
          ['next run', nextRun(status)],
        ];
  const all: readonly Fact[] = [
    ...facts,
    ['source', source === null ? null : sourceText(source)],
    ['warehouse', warehouse],
    ['health', problem === null || isShownByRun(problem) ? null : paint.red(problem.text)],
  ];
  const lines = all.flatMap(([name, text]) => (text === null ? [] : [`  ${name.padEnd(10)} ${text}`]));
  return [paint.bold(target), ...lines].join('\n');
}

/** Whether the line about the checkpoint or the last run says the same. */
function isShownByRun({ word }: Problem): boolean {
  return word === 'unreadable' || word === 'failed' || word === 'waiting';
}

function completeness({ watermark, watermarkAgeSeconds, coverage }: TargetStatus): string {
  const { from, to, rows, gaps } = coverage;
  if (from === null || to === null) {
    return 'nothing yet';
  }
  if (watermark === null) {
    return `${counted(rows, 'execution')} by backfills, nothing by a sync yet`;
  }
  // ISO instants sort by time.
  if (watermark <= from) {
    const held = `${counted(rows, 'execution')} from ${shortTime(from)} to ${shortTime(to)}`;
    return `${paint.yellow(`nothing before ${shortTime(from)} yet`)}: the next sync continues at ${paint.bold(shortTime(watermark))}; ${held}`;
  }
  const before = gaps.filter((gap) => gap.from < watermark).length;
  const after = gaps.length - before;
  const known = [
    ...(before === 0 ? [] : [`except for ${counted(before, 'gap')}`]),
    ...(after === 0 ? [] : [`${counted(after, 'gap')} after that`]),
  ].join(', ');
  const held = `${counted(rows, 'execution')}${after === 0 ? '' : ' including later ones'}`;
  const age = duration((watermarkAgeSeconds ?? 0) * 1000);
  return `${shortTime(from)} to ${paint.bold(shortTime(watermark))} (${age} ago), ${held}, ${known === '' ? 'no gaps' : paint.yellow(known)}`;
}

function coverageFacts(coverage: CoverageView, target: string): Fact[] {
  const gaps = gapLines(coverage).map((line, index): Fact => [index === 0 ? 'gaps' : '', line]);
  const rereading = rereadingLine(coverage, target);
  return [['coverage', timeline(coverage)], ...gaps, ['again', rereading === null ? null : paint.yellow(rereading)]];
}

/** Executions that the table may show in a stale state. */
function expired(status: TargetStatus, target: string): string | null {
  const { expiredExecutions, oldestExpiredStart: oldest, latestExpiredStart: latest } = status;
  if (oldest === null || latest === null) {
    return null;
  }
  const what = `${counted(expiredExecutions, 'execution')}, open for longer than maxOpenDays, started ${fromTo(oldest, latest)}`;
  const command = `dqsync backfill --again ${daysOf(oldest, latest)} --target ${target}`;
  return paint.yellow(`${what}; the table keeps the last state. To read again: ${command}`);
}

/** Rows that the table lacks. */
function quarantine({ quarantined }: TargetStatus, target: string): string | null {
  const where = `quarantine/${target}/ of the warehouse`;
  return quarantined === 0
    ? null
    : paint.yellow(`${counted(quarantined, 'row')} that could not be read, in ${where}: dqsync quarantine shows them`);
}

function waitingResults({ results: { waiting, oldestStart, refused } }: TargetStatus, target: string): string | null {
  if (waiting === 0 && refused === null) {
    return null;
  }
  const oldest = oldestStart === null ? '' : `, the oldest started ${shortTime(oldestStart)}`;
  const how =
    waiting === 0 ? '' : `; later syncs fetch them; to fetch all now: dqsync sync --results --target ${target}`;
  const why =
    refused === null ? '' : paint.yellow(`; refused at ${shortTime(refused.at)}: ${paragraph(refused.message)}`);
  return `${counted(waiting, 'execution')} without rule results yet${oldest}${how}${why}`;
}

function expiredResults({ results }: TargetStatus, target: string): string | null {
  const { oldestExpiredStart: oldest, latestExpiredStart: latest } = results;
  if (oldest === null || latest === null) {
    return null;
  }
  const what = `${counted(results.expired, 'execution')} without rule results, started ${fromTo(oldest, latest)}: every request for them failed`;
  const command = `dqsync backfill --again --results ${daysOf(oldest, latest)} --target ${target}`;
  return paint.yellow(`${what}. To request again: ${command}`);
}

function fromTo(oldest: string, latest: string): string {
  return oldest === latest ? shortTime(oldest) : `${shortTime(oldest)} to ${shortTime(latest)}`;
}

function daysOf(oldest: string, latest: string): string {
  return daysAsArguments(parseTime(oldest) ?? 0, parseTime(latest) ?? 0);
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
      return `${paint.yellow('stopped early')} at ${at(run.committedAt)}, ${written}`;
    case 'failed':
      return `${paint.red('failed')} at ${at(run.committedAt)}, ${written}: ${paragraph(run.error ?? 'no reason was recorded')}`;
    case 'running':
      return `${paint.yellow('running')}, or killed since: started ${at(run.startedAt)}, last committed ${at(run.committedAt)}, ${written}`;
  }
}

function nextRun({ nextRun: next }: TargetStatus): string {
  const again =
    next.looksAgainAt === 0 ? '' : `, and re-checks ${counted(next.looksAgainAt, 'earlier open execution')}`;
  return `reads ${shortTime(next.from)} to ${shortTime(next.to)}${again}`;
}

function sourceText(source: SourceClock | { readonly error: DqsyncError }): string {
  if ('error' in source) {
    return `not available: ${paragraph(`${source.error.message}. ${source.error.remedy}`)}`;
  }
  const future =
    source.futureRows === 0 ? 'no rows dated in the future' : paint.yellow(paragraph(describeFutureRows(source)));
  return `${describeSkew(source.skewMs)}, ${future}`;
}
