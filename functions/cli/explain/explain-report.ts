/** Describes one instance for a person. Pure except for colors. */
import { parseTime } from '../../clock.ts';
import { isOpen } from '../../model.ts';
import { metricPairs } from '../../query/metric-pairs.ts';
import type { SqlValue } from '../../query/sql-value.ts';
import { hasVanished } from '../../warehouse/vanished.ts';
import { printable, shortTime } from '../terminal/formats.ts';
import { paint } from '../terminal/output.ts';
import { styleOf } from '../terminal/table.ts';

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, SqlValue>>;

/** What the warehouse knows of an instance. Field names match `explain --json`. */
export interface Explained {
  readonly instanceId: string;
  /** Every state that was observed, by start time: a re-run has a start of its own. */
  readonly observations: readonly Row[];
  /** Null where tasks are not kept, or this one was not seen. */
  readonly task: Row | null;
  readonly rules: readonly Row[];
  readonly results: readonly Row[];
  /** Notes why an execution has no results. */
  readonly withoutResults: readonly Row[];
}

/** Returns lines: task, then each execution with its states and results. */
export function describeExplained(explained: Explained): string {
  const { instanceId, observations, task, rules } = explained;
  const latest = observations.at(-1);
  if (latest === undefined) {
    return `The table has no instance ${instanceId}. "dqsync status" shows which spans it covers; "dqsync list" asks the source.`;
  }
  const starts = [...new Set(observations.map((row) => textOf(row['start_time'])))];
  return [
    `${paint.bold(textOf(latest['name']))}  instance ${instanceId}`,
    `  task      ${taskText(task, latest)}`,
    ...rules.map((rule, index) => `  ${index === 0 ? 'rules' : '     '}     ${ruleText(rule)}`),
    ...starts.flatMap((start, index) => executionLines(explained, start, starts[index + 1] !== undefined)),
  ].join('\n');
}

function taskText(task: Row | null, latest: Row): string {
  const id = `${textOf(latest['task_id'])}, ${textOf(latest['task_type'])}`;
  if (task === null) {
    return `${id}; not observed yet: dqsync sync --tasks`;
  }
  const period = task['schedule_period'];
  const schedule = period === null ? 'not scheduled' : `every ${textOf(task['schedule_interval'])} ${textOf(period)}`;
  const gone =
    task['deleted_at'] === null ? '' : `, ${paint.yellow(`deleted by ${shortTime(textOf(task['deleted_at']))}`)}`;
  return `${textOf(task['task_name'])} (${id}), level ${textOf(task['level'])}, ${schedule}${gone}`;
}

function ruleText(rule: Row): string {
  const place = [rule['databases'], rule['tables'], rule['columns']].filter((part) => part !== null).map(textOf);
  return `${textOf(rule['rule_name'])}: ${place.join('.')}, alarm if ${textOf(rule['alarm_condition'])}`;
}

function executionLines(explained: Explained, start: string, isRerun: boolean): string[] {
  const { observations, results, withoutResults, rules } = explained;
  const of = (rows: readonly Row[]): Row[] => rows.filter((row) => textOf(row['start_time']) === start);
  const names = new Map(rules.map((rule) => [textOf(rule['rule_id']), textOf(rule['rule_name'])]));
  const found = of(results);
  const note = of(withoutResults).at(-1);
  return [
    `  ${paint.bold(`started   ${shortTime(start)}`)}${isRerun ? ' (started again later)' : ''}`,
    ...of(observations).map((row) => `    ${shortTime(textOf(row['observed_at']))}  ${stateText(row)}`),
    ...(found.length > 0 ? [] : [`    ${missing(note, of(observations).at(-1))}`]),
    ...found.map((row) => `    ${resultText(row, names)}`),
  ];
}

function stateText(row: Row): string {
  const status = textOf(row['run_status']);
  if (hasVanished(extraOf(row))) {
    return `no longer at the source, last seen ${styleOf(status, status)}: deleted, or started again`;
  }
  const ended = row['end_time'] === null ? 'not ended' : `ended ${shortTime(textOf(row['end_time']))}`;
  return `${styleOf(status, status)}, ${ended}, notification ${textOf(row['notify_status'])}`;
}

function missing(note: Row | undefined, latest: Row | undefined): string {
  if (note === undefined && latest !== undefined && hasVanished(extraOf(latest))) {
    return 'no rule results: the execution left the source before its end was observed';
  }
  if (note === undefined && latest !== undefined && wasOpen(latest)) {
    return 'no rule results yet: the instance was still open when it was last observed';
  }
  const why = /"no_results":"(\w+)"/.exec(String(note?.['extra']))?.[1];
  const reasons: Readonly<Record<string, string>> = {
    deleted: 'the instance was deleted before they were fetched',
    gone: 'the instance had started again, or was deleted, when they were fetched',
    rerun: 'the instance had started again before they were fetched',
    none: 'the source has none',
    failed: 'every request for them failed',
  };
  const unfetched =
    'not fetched: they still wait (see "dqsync status"), "results" in the config leaves them out, or a backfill ran without --results';
  return `no rule results: ${reasons[why ?? ''] ?? unfetched}`;
}

function wasOpen(row: Row): boolean {
  const { run_status: status, end_time: end } = row;
  return isOpen({
    runStatus: typeof status === 'string' ? status : null,
    endTimeMs: typeof end === 'string' ? parseTime(end) : null,
    extra: extraOf(row),
  });
}

function extraOf({ extra }: Row): string | null {
  return typeof extra === 'string' ? extra : null;
}

function resultText(row: Row, names: ReadonlyMap<string, string>): string {
  const rule = names.get(textOf(row['rule_id'])) ?? `rule ${textOf(row['rule_id'])}`;
  const mark = row['alarmed'] === true ? paint.red('✗') : row['alarmed'] === false ? paint.green('✓') : '·';
  const object = row['object_name'] === null ? '' : ` on ${textOf(row['object_name'])}`;
  const pairs = metricPairs(textOf(row['metrics']), textOf(row['object_name']));
  return `${mark} ${rule}${object}  ${pairs.map(printable).join(', ')}`;
}

function textOf(value: SqlValue | undefined): string {
  return value === null || value === undefined ? '–' : printable(String(value));
}
