/** The table `quality_rule_results`: what each rule of an execution found. Pure data and getters. */
import { compareExecutions, type EpochMs, type RuleResult } from '../model.ts';
import { resultTableName } from './layout.ts';
import { definersOf, notNull, originColumns, type Table } from './table.ts';

/**
 * One row: what one rule of an execution found on one object. All rows of one fetch have the same `observedAtMs` and
 * run id. An execution whose results are gone, or never came, has one row without a rule.
 */
export interface ResultRow extends RuleResult {
  readonly workspace: string;
  readonly instanceId: bigint;
  readonly startTimeMs: EpochMs;
  readonly taskId: bigint | null;
  readonly projectId: string;
  readonly observedAtMs: EpochMs;
  readonly runId: string;
}

const { text, int64, time, boolean } = definersOf<ResultRow>();

/** The table. Its columns are the contract of the files, in order. */
export const resultTable: Table<ResultRow> = {
  name: resultTableName,
  description: 'Append-only results of the rules of executions; read the view quality_results instead.',
  columns: [
    notNull(int64('instance_id', 'Id of the instance. 19 digits.', ({ instanceId }) => instanceId)),
    notNull(
      time('start_time', 'When the execution started, UTC.', ({ startTimeMs }) => startTimeMs, { repeats: true }),
    ),
    int64('task_id', 'Id of the task that ran. 19 digits.', ({ taskId }) => taskId),
    int64(
      'rule_id',
      'Id of the rule; null in a row that says that an execution has no results.',
      ({ ruleId }) => ruleId,
    ),
    int64('rule_instance_id', 'Id of this run of the rule.', ({ ruleInstanceId }) => ruleInstanceId),
    boolean(
      'alarmed',
      'Whether the rule raised an alarm on the object; null where the source does not say.',
      ({ alarmed }) => alarmed,
    ),
    text('object_name', 'The object that was checked, for example 1_database.table.', ({ objectName }) => objectName),
    text(
      'metrics',
      'What was measured, as JSON text with the source’s own labels, in the language of its account.',
      ({ metrics }) => metrics,
      { freeText: true },
    ),
    text(
      'abnormal_table_status',
      'UNSUPPORTED, READY, RUNNING, FAILED or SUCCESS: whether the abnormal rows were exported.',
      ({ abnormalTableStatus }) => abnormalTableStatus,
    ),
    ...originColumns<ResultRow>('When dqsync fetched the results, UTC. One fetch has one time.'),
    text(
      'extra',
      'JSON text of undocumented fields, and of notes by dqsync; null if there are none.',
      ({ extra }) => extra,
      { freeText: true },
    ),
  ],
  partitionDescriptions: {
    workspace: 'Id of the DataArts workspace the instance belongs to.',
    dt: 'Day of start_time, YYYY-MM-DD, in the configured partitionTimeZone.',
  },
  partitionTimeMs: ({ startTimeMs }) => startTimeMs,
  compare: (a, b) =>
    compareExecutions(
      { id: a.instanceId, startTimeMs: a.startTimeMs },
      { id: b.instanceId, startTimeMs: b.startTimeMs },
    ),
};
