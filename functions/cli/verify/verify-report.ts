/** Reports how the table compares with the source, as text and as JSON. Pure except for colors. */
import { isoTime } from '../../clock.ts';
import { describeError } from '../../errors.ts';
import type { Window } from '../../model.ts';
import { isAllFine, type VerifiedTarget } from '../../verify/target-verifier.ts';
import type { Duplicates } from '../../verify/verification.ts';
import { type DayResult, isFine, isRepairable } from '../../verify/verify-days.ts';
import { count, counted, paragraph, shownAt } from '../terminal/formats.ts';
import { paint } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';

/** Up to this many days, all are shown. */
const fewDays = 14;
const headings = ['day', 'source', 'table', 'missing', 'different', 'gone', 'SUCCESS', 'FAILED', 'ALARMING', 'other'];
/** Duplicates that are named. */
const shownDuplicates = 3;
const namedStatuses = ['SUCCESS', 'FAILED', 'ALARMING'] as const;

/**
 * Describes the result of one target.
 *
 * @param command the command that was run, without `--repair`
 */
export function describeVerified(verified: VerifiedTarget, command: string): string {
  const { target, window, timeZone, days, beforeRepair, repairs, duplicates, error } = verified;
  const title = `${paint.bold(target)}  ${range(window)}, days in ${timeZone}`;
  const failure = error === null ? [] : [`${paint.red('error:')} ${paragraph(describeError(error))}`];
  if (days.length === 0) {
    return [title, ...failure].join('\n');
  }
  const isLong = days.length > fewDays;
  const shown = isLong ? days.filter((day) => !isFine(day)) : days;
  const table = shown.length === 0 ? [] : [tableOf(shown)];
  return [
    title,
    // The table shows the days after the repair.
    ...withUncoveredMerged(beforeRepair).map((day) => `found: ${day.day}  ${faults(day)}`),
    ...repairs.map((repair) => `read again: ${range(repair)}, ${counted(repair.rowsWritten, 'row')} written`),
    ...table,
    ...(isLong ? [summed(days)] : []),
    ...withUncoveredMerged(days.filter((day) => !isFine(day))).map(
      (day) => `${paint.red('✗')} ${day.day}  ${faults(day, fillerOf(verified))}`,
    ),
    ...unsettled(days),
    ...duplicated(duplicates, command),
    ...failure,
    conclusion(verified, command),
  ].join('\n');
}

/** Returns the result as one object. Field names match `verify --json`. */
export function verifiedJson(verified: VerifiedTarget): Readonly<Record<string, unknown>> {
  const { target, window, days, requests, beforeRepair, repairs, duplicates, error } = verified;
  return {
    target,
    from: isoTime(window.fromMs),
    to: isoTime(window.toMs),
    fine: isAllFine(verified),
    requests,
    days: days.map(dayJson),
    beforeRepair: beforeRepair.map(dayJson),
    repairs: repairs.map(({ rowsWritten, ...repair }) => ({ ...spanJson(repair), rowsWritten })),
    ...(duplicates === null ? {} : { duplicates: duplicatesJson(duplicates) }),
    ...(error === null ? {} : { error }),
  };
}

function duplicatesJson({ executions, first }: Duplicates): Readonly<Record<string, unknown>> {
  return {
    executions,
    first: first.map(({ id, startTimeMs, days }) => ({ id: String(id), startTime: isoTime(startTimeMs), days })),
  };
}

function dayJson(day: DayResult): Readonly<Record<string, unknown>> {
  const { byStatus, gaps, fromMs, toMs, ...rest } = day;
  return {
    ...rest,
    ...spanJson({ fromMs, toMs }),
    byStatus: Object.fromEntries(byStatus),
    gaps: gaps.map(spanJson),
    fine: isFine(day),
  };
}

function spanJson({ fromMs, toMs }: Window): { readonly from: string; readonly to: string } {
  return { from: isoTime(fromMs), to: isoTime(toMs) };
}

/** Returns a table that fits into 80 columns. Unreadable rows, which are rare, are counted below it. */
function tableOf(days: readonly DayResult[]): string {
  const rows = days.map((day) => {
    const named = namedStatuses.map((status) => day.byStatus.get(status) ?? 0);
    const other = day.table - named.reduce((sum, rows) => sum + rows, 0);
    return [day.day, day.source, day.table, day.missing, day.different, day.gone, ...named, other];
  });
  return renderTable(headings, rows);
}

function summed(days: readonly DayResult[]): string {
  const sum = (of: (day: DayResult) => number): number => days.reduce((total, day) => total + of(day), 0);
  const [source, table, gone] = [sum((day) => day.source), sum((day) => day.table), sum((day) => day.gone)];
  const kept = gone === 0 ? '' : `; ${count(gone)} gone from the source`;
  const matching = days.filter(isFine).length;
  return `${count(matching)} of ${counted(days.length, 'day')} ${matching === 1 ? 'matches' : 'match'}: ${counted(source, 'execution')} at the source, ${count(table)} in the table${kept}`;
}

/** Returns what fills a gap, as the end of a message. */
function fillerOf({ watermarkMs }: VerifiedTarget): (gap: Window) => string {
  return ({ fromMs }) => {
    const isAhead = watermarkMs === null || fromMs >= watermarkMs;
    return `: ${isAhead ? 'dqsync sync, or dqsync backfill,' : 'dqsync backfill'} fills it`;
  };
}

/**
 * Merges consecutive days that are not covered at all, into one with their first and last day as its name. A table that is
 * still empty then takes one line, not one for each day.
 */
function withUncoveredMerged(days: readonly DayResult[]): readonly DayResult[] {
  const shown: DayResult[] = [];
  for (const day of days) {
    const previous = shown.at(-1);
    if (previous?.toMs === day.fromMs && isUncovered(previous) && isUncovered(day)) {
      const { fromMs } = previous;
      shown[shown.length - 1] = {
        ...day,
        day: `${previous.day.split(' ')[0]} to ${day.day}`,
        fromMs,
        missing: previous.missing + day.missing,
        gaps: [{ fromMs, toMs: day.toMs }],
      };
    } else {
      shown.push(day);
    }
  }
  return shown;
}

function isUncovered({ fromMs, toMs, gaps, different, unreadable, unproven }: DayResult): boolean {
  const [gap] = gaps;
  const isWhole = gap?.fromMs === fromMs && gap.toMs === toMs;
  return isWhole && different === 0 && unreadable === 0 && unproven === null;
}

function faults(day: DayResult, filler: (gap: Window) => string = () => ''): string {
  const gaps = day.gaps.map((gap) => `not covered yet from ${range(gap)}${filler(gap)}`);
  return [
    ...(day.missing === 0 ? [] : [`${counted(day.missing, 'execution')} missing`]),
    ...(day.different === 0 ? [] : [`${counted(day.different, 'execution')} whose state differs from the source`]),
    ...(day.unreadable === 0 ? [] : [unreadable(day)]),
    ...gaps,
    ...(day.unproven === null ? [] : [paragraph(day.unproven)]),
  ].join('; ');
}

/** Describes rows of the source that the table cannot hold. */
function unreadable({ source, unreadable: rows, unreadableReason }: DayResult): string {
  const reason = unreadableReason === null ? '' : ` (${paragraph(unreadableReason)})`;
  return `source ${count(source)}, ${count(rows)} unreadable${reason}: not in the table; dqsync quarantine shows the quarantined rows`;
}

function unsettled(days: readonly DayResult[]): string[] {
  const rows = days.reduce((sum, day) => sum + day.unsettled, 0);
  return rows === 0 ? [] : [`${counted(rows, 'execution')} open or too young to compare: the next sync reads them`];
}

/** Describes executions that the view shows more than once. Reading them again does not help: no row is removed. */
function duplicated(duplicates: Duplicates | null, command: string): string[] {
  if (duplicates === null || duplicates.executions === 0) {
    return [];
  }
  const { executions, first } = duplicates;
  const shown = first
    .slice(0, shownDuplicates)
    .map(({ id, startTimeMs, days }) => `${id} of ${shownAt(startTimeMs)} (dt ${days.join(', ')})`);
  const more = executions - shown.length;
  const list = [...shown, ...(more > 0 ? [`and ${count(more)} more`] : [])].join(', ');
  return [
    `${paint.red('✗')} ${counted(executions, 'execution')} ${executions === 1 ? 'is' : 'are'} in the view more than once: ${list}`,
    `Queries count them more than once. Usually, runs with different "partitionTimeZone" have written them. Keep one zone and set another "warehouse", or move the data files with the wrong dt out of the table, then run: ${command} --repair`,
  ];
}

function conclusion({ target, days, repairs, duplicates, error }: VerifiedTarget, command: string): string {
  const wrong = days.filter((day) => !isFine(day)).length;
  if (wrong > 0) {
    const remedy = days.some(isRepairable)
      ? `To read them again: ${command} --repair`
      : 'Reading them again does not help: look for a newer version of dqsync, or correct the rows at the source.';
    const verb = wrong === 1 ? 'does' : 'do';
    return `${paint.red('✗')} ${paint.bold(target)}  ${count(wrong)} of ${counted(days.length, 'day')} ${verb} not match. ${remedy}`;
  }
  if (error !== null) {
    return `${paint.red('✗')} ${paint.bold(target)}  only ${counted(days.length, 'day')} could be verified`;
  }
  const complete = `the table ${repairs.length === 0 ? '' : 'now '}holds everything that the source has for ${counted(days.length, 'day')}`;
  if (duplicates !== null && duplicates.executions > 0) {
    return `${paint.red('✗')} ${paint.bold(target)}  ${complete}, but ${counted(duplicates.executions, 'execution')} more than once`;
  }
  return `${paint.green('✓')} ${paint.bold(target)}  ${complete}`;
}

function range({ fromMs, toMs }: Window): string {
  return `${shownAt(fromMs)} to ${shownAt(toMs)}`;
}
