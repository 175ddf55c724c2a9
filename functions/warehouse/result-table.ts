/** The table `quality_rule_results`: what each rule of an execution found. Pure data and getters. */
import { compareExecutions, type EpochMs, type RuleResult } from '../model.ts';
import { resultTableName } from './layout.ts';
import type { Table } from './table.ts';

/**
 * One row: what one rule of an execution found on one object. All rows of one fetch have the same `observedAtMs` and run id. An
 * execution whose results are gone, or never came, has one row without a rule.
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

/** The table. Its columns are the contract of the files, in order. */
export const resultTable: Table<ResultRow> = {
  name: resultTableName,
  description: 'Append-only results of the rules of executions; read the view quality_results instead.',
  columns: [
    {
      name: 'instance_id',
      kind: 'int64',
      nullable: false,
      read: ({ instanceId }) => instanceId,
      description: 'Number of the instance. 19 digits.',
      repeats: true,
    },
    {
      name: 'start_time',
      kind: 'timestamp-ms-utc',
      nullable: false,
      read: ({ startTimeMs }) => startTimeMs,
      description: 'When the execution started, UTC.',
      repeats: true,
    },
    {
      name: 'task_id',
      kind: 'int64',
      nullable: true,
      read: ({ taskId }) => taskId,
      description: 'Number of the task that ran. 19 digits.',
      repeats: true,
    },
    {
      name: 'rule_id',
      kind: 'int64',
      nullable: true,
      read: ({ ruleId }) => ruleId,
      description: 'Number of the rule; null in a row that says that an execution has no results.',
      repeats: true,
    },
    {
      name: 'rule_instance_id',
      kind: 'int64',
      nullable: true,
      read: ({ ruleInstanceId }) => ruleInstanceId,
      description: 'Number of this run of the rule.',
      repeats: true,
    },
    {
      name: 'alarmed',
      kind: 'boolean',
      nullable: true,
      read: ({ alarmed }) => alarmed,
      description: 'Whether the rule raised an alarm on the object; null where the source does not say.',
    },
    {
      name: 'object_name',
      kind: 'text',
      nullable: true,
      read: ({ objectName }) => objectName,
      description: 'The object that was checked, for example 1_database.table.',
    },
    {
      name: 'metrics',
      kind: 'text',
      nullable: true,
      read: ({ metrics }) => metrics,
      description: 'What was measured, as JSON text with the source’s own labels, in the language of its account.',
      freeText: true,
    },
    {
      name: 'abnormal_table_status',
      kind: 'text',
      nullable: true,
      read: ({ abnormalTableStatus }) => abnormalTableStatus,
      description: 'UNSUPPORTED, READY, RUNNING, FAILED or SUCCESS: whether the abnormal rows were exported.',
    },
    {
      name: 'project_id',
      kind: 'text',
      nullable: false,
      read: ({ projectId }) => projectId,
      description: 'Id of the Huawei Cloud project.',
    },
    {
      name: 'observed_at',
      kind: 'timestamp-ms-utc',
      nullable: false,
      read: ({ observedAtMs }) => observedAtMs,
      description: 'When dqsync fetched the results, UTC. One fetch has one time.',
      repeats: true,
    },
    {
      name: 'run_id',
      kind: 'text',
      nullable: false,
      read: ({ runId }) => runId,
      description: 'The dqsync run that wrote the row.',
    },
    {
      name: 'extra',
      kind: 'text',
      nullable: true,
      read: ({ extra }) => extra,
      description: 'JSON text of undocumented fields, and of notes by dqsync; null if there are none.',
      freeText: true,
    },
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
