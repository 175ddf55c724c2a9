/** The table `quality_task_observations`: tasks and their rules, as they were seen. Pure data and getters. */
import type { EpochMs, Rule, Task, TaskDetails } from '../model.ts';
import { taskTableName } from './layout.ts';
import { definersOf, notNull, originColumns, type Table, type TableColumn } from './table.ts';

/** What the details of a task add to the list; all null until they were read. */
export type TaskNotes = { readonly [Name in 'description' | 'level' | 'alarmCondition']: TaskDetails[Name] };

/** One row: a task (`rule` is null), or one of its rules. */
export interface TaskRow {
  readonly workspace: string;
  readonly task: Task & TaskNotes;
  readonly rule: Rule | null;
  readonly deletedAtMs: EpochMs | null;
  readonly projectId: string;
  readonly observedAtMs: EpochMs;
  readonly runId: string;
}

const { text, int64, time } = definersOf<TaskRow>();
/** Returns a property of the task in its own row; null in the rows of its rules. */
const ofTask =
  <Name extends keyof TaskRow['task']>(name: Name) =>
  ({ task, rule }: TaskRow): TaskRow['task'][Name] | null =>
    rule === null ? task[name] : null;
/** Returns a property of the rule; null in the row of the task. */
const ofRule =
  <Name extends keyof Rule>(name: Name) =>
  ({ rule }: TaskRow): Rule[Name] | null =>
    rule === null ? null : rule[name];
const free = { freeText: true } as const;

/** Columns that show whether a row has changed: all except the time of the observation and the run. */
export const taskStateColumns: readonly TableColumn<TaskRow>[] = [
  notNull(int64('task_id', 'Id of the task. 19 digits.', ({ task }) => task.id)),
  text('task_type', 'QUALITY_TASK or CONSISTENCY_TASK.', ({ task }) => task.type),
  text('task_name', 'Name of the task.', ({ task }) => task.name, free),
  int64('rule_id', 'Id of the rule; null in the row of the task itself.', ofRule('id')),
  int64(
    'rule_part',
    'Null in the row of a task. 0 in the row of a rule; 1 for the second side of a comparison if both sides have the same rule_id.',
    ({ rule }) => (rule === null ? null : BigInt(rule.part)),
  ),
  text(
    'rule_position',
    'Place among the rules of the task; 0.1 is the second side of the first comparison.',
    ofRule('position'),
  ),
  text('rule_name', 'Name of the rule.', ofRule('name'), free),
  text('rule_type', 'Kind of the rule, as the source names it.', ofRule('type')),
  int64('template_id', 'Id of the rule template.', ofRule('templateId')),
  text('dimension', 'Completeness, Uniqueness, Timeliness, Validity, Accuracy or Consistency.', ofRule('dimension')),
  text('connection', 'Data connection.', ofRule('connection')),
  text('connection_type', 'Type of the data connection.', ofRule('connectionType')),
  text('databases', 'Databases that the rule checks.', ofRule('databases')),
  text('tables', 'Tables that the rule checks.', ofRule('tables')),
  text('columns', 'Columns that the rule checks.', ofRule('columns')),
  text('sql', 'SQL of a custom rule.', ofRule('sql'), free),
  text(
    'alarm_condition',
    'When the task, or the rule, raises an alarm.',
    ({ task, rule }) => (rule === null ? task.alarmCondition : rule.alarmCondition),
    free,
  ),
  int64('weight', 'Weight of the rule.', ofRule('weight')),
  text(
    'level',
    'SUGGEST, MINOR, MAJOR or FATAL; the task’s, unless the rule has its own.',
    ({ task, rule }) => rule?.level ?? task.level,
  ),
  int64('category_id', 'Id of the folder of the task.', ofTask('categoryId')),
  text('schedule_status', 'Whether the task is scheduled, as the source names it.', ofTask('scheduleStatus')),
  text('schedule_period', 'Unit of the schedule, for example DAY.', ofTask('schedulePeriod')),
  text('schedule_interval', 'Interval of the schedule.', ofTask('scheduleInterval')),
  time('create_time', 'When the task was created, UTC.', ofTask('createTimeMs')),
  time(
    'last_run_time',
    'When the newest instance of the task started, UTC; null if it never ran.',
    ofTask('lastRunTimeMs'),
  ),
  text('creator', 'Who created the task.', ofTask('creator')),
  text('description', 'Description of the task.', ofTask('description'), free),
  time(
    'deleted_at',
    'When dqsync found that the task, or the rule, is gone, UTC; null while it is there.',
    ({ deletedAtMs }) => deletedAtMs,
  ),
  text(
    'extra',
    'JSON text of undocumented fields; null if there are none.',
    ({ task, rule }) => (rule === null ? task.extra : rule.extra),
    free,
  ),
];

/** The table. Its columns are the contract of the files, in order. */
export const taskTable: Table<TaskRow> = {
  name: taskTableName,
  description: 'Append-only observations of tasks and rules; read the views quality_tasks and quality_rules instead.',
  columns: [...taskStateColumns, ...originColumns<TaskRow>('When dqsync saw the task or the rule in this state, UTC.')],
  partitionDescriptions: {
    workspace: 'Id of the DataArts workspace the task belongs to.',
    dt: 'Day of observed_at, YYYY-MM-DD, in the configured partitionTimeZone.',
  },
  partitionTimeMs: ({ observedAtMs }) => observedAtMs,
  compare: (a, b) => compareBigints(a.task.id, b.task.id) || rank(a) - rank(b),
};

function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The task first, then its rules in the source's order. */
function rank({ rule }: TaskRow): number {
  return rule === null ? 0 : 1;
}
