/**
 * The columns of observations, in one table. Pure data and getters, without Arrow, so that every part of the product
 * can import it.
 *
 * Derived from it: the Arrow batch, the Parquet schema, the Glue table, the SQL of the view, the fingerprint of an
 * execution, the stored form of open executions in the checkpoint, the documented fields of the API, the columns of
 * `dqsync list`, the comparison of rows in `dqsync verify`, and COLUMNS.md.
 *
 * To add a column, add a nullable one at the end: files written before it are read as null there (functions/README.md,
 * three recipes).
 */
import { InternalError } from '../errors.ts';
import { compareExecutions, type Execution, type Observation } from '../model.ts';
import { tableName } from './layout.ts';
import type { ColumnKind, ColumnOf, Table, ValueByKind } from './table.ts';

/** The kinds of columns that an execution has. */
export type ExecutionKind = Exclude<ColumnKind, 'boolean'>;

interface ExecutionColumnOf<Kind extends ExecutionKind> extends ColumnOf<Execution, Kind> {
  /** Fields of the API that hold the value. The first one with a value counts. Empty for `extra`. */
  readonly wireFields: readonly string[];
  /** Whether it is part of an execution's key, which never changes. */
  readonly isKey?: true;
}

/** The kind that holds values of a type. */
type KindOf<Value> = {
  [Kind in ExecutionKind]: NonNullable<Value> extends ValueByKind[Kind] ? Kind : never;
}[ExecutionKind];
type NullabilityOf<Value> = { readonly nullable: null extends Value ? true : false };
type RunProperty = Exclude<keyof Observation, keyof Execution | 'workspace'>;

/** One entry per property of an observation, with its kind and nullability. `workspace` is only in the path. */
type ColumnTable = {
  readonly [Property in keyof Execution]: ExecutionColumnOf<KindOf<Execution[Property]>> &
    NullabilityOf<Execution[Property]>;
} & {
  readonly [Property in RunProperty]: ColumnOf<Observation, KindOf<Observation[Property]>> &
    NullabilityOf<Observation[Property]>;
};

/** The table. The order of its entries is the order of the columns. */
const table: ColumnTable = {
  id: {
    name: 'id',
    kind: 'int64',
    nullable: false,
    wireFields: ['id'],
    isKey: true,
    read: ({ id }) => id,
    description: 'Id of the instance: one run of a quality task. 19 digits.',
  },
  name: {
    name: 'name',
    kind: 'text',
    nullable: true,
    wireFields: ['name'],
    read: ({ name }) => name,
    description: 'Name of the instance, as its owner wrote it.',
    freeText: true,
  },
  taskId: {
    name: 'task_id',
    kind: 'int64',
    nullable: true,
    wireFields: ['task_id'],
    read: ({ taskId }) => taskId,
    description: 'Id of the quality task that ran. 19 digits.',
    repeats: true,
  },
  taskType: {
    name: 'task_type',
    kind: 'text',
    nullable: true,
    wireFields: ['task_type'],
    read: ({ taskType }) => taskType,
    description: 'QUALITY_TASK or CONSISTENCY_TASK; other values are kept unchanged.',
  },
  runStatus: {
    name: 'run_status',
    kind: 'text',
    nullable: true,
    wireFields: ['run_status'],
    read: ({ runStatus }) => runStatus,
    description: 'RUNNING, FAILED, ALARMING, SUCCESS, SUSPENDING or UNKNOWN; others are kept unchanged.',
  },
  notifyStatus: {
    name: 'notify_status',
    kind: 'text',
    nullable: true,
    wireFields: ['notify_status', 'notity_status'],
    read: ({ notifyStatus }) => notifyStatus,
    description: 'NOT_TRIGGERED, SUCCESS or FAILED; other values are kept unchanged.',
  },
  startTimeMs: {
    name: 'start_time',
    kind: 'timestamp-ms-utc',
    nullable: false,
    wireFields: ['start_time'],
    isKey: true,
    read: ({ startTimeMs }) => startTimeMs,
    description: 'When this run of the instance started, UTC. A re-run has another start_time.',
  },
  endTimeMs: {
    name: 'end_time',
    kind: 'timestamp-ms-utc',
    nullable: true,
    wireFields: ['end_time'],
    read: ({ endTimeMs }) => endTimeMs,
    description: 'When it ended, UTC; null while it runs.',
  },
  projectId: {
    name: 'project_id',
    kind: 'text',
    nullable: false,
    read: ({ projectId }) => projectId,
    description: 'Id of the Huawei Cloud project.',
  },
  observedAtMs: {
    name: 'observed_at',
    kind: 'timestamp-ms-utc',
    nullable: false,
    read: ({ observedAtMs }) => observedAtMs,
    description: 'When dqsync saw the instance in this state, UTC.',
    repeats: true,
  },
  runId: {
    name: 'run_id',
    kind: 'text',
    nullable: false,
    read: ({ runId }) => runId,
    description: 'The dqsync run that wrote the row.',
  },
  extra: {
    name: 'extra',
    kind: 'text',
    nullable: true,
    wireFields: [],
    read: ({ extra }) => extra,
    description: 'JSON text of undocumented fields, and of notes by dqsync; null if there are none.',
    freeText: true,
  },
};

type Named<Definition> = Definition & { readonly property: string };

/** A column whose value is a property of an `Execution`. */
export type ExecutionColumn = { [Kind in ExecutionKind]: Named<ExecutionColumnOf<Kind>> }[ExecutionKind];
/** A column of the data files. `property` is the name of its value in an `Observation`. */
export type Column = ExecutionColumn | { [Kind in ExecutionKind]: Named<ColumnOf<Observation, Kind>> }[ExecutionKind];

/** The columns of every data file, in order. */
export const observationColumns: readonly Column[] = Object.entries(table).map(([property, definition]) => ({
  ...definition,
  property,
}));

/** The columns that make up an execution, in order. */
export const executionColumns: readonly ExecutionColumn[] = observationColumns.filter(
  (column) => 'wireFields' in column,
);

/** The columns that are filled from fields of the API. */
export const wireColumns: readonly ExecutionColumn[] = executionColumns.filter(
  ({ wireFields }) => wireFields.length > 0,
);

/** Observations of executions: the table `quality_instance_observations`. */
export const instanceTable: Table<Observation> = {
  name: tableName,
  description: 'Append-only observations of executions; read the view quality_instances instead.',
  columns: observationColumns,
  partitionDescriptions: {
    workspace: 'Id of the DataArts workspace the instance belongs to.',
    dt: 'Day of start_time, YYYY-MM-DD, in the configured partitionTimeZone.',
  },
  partitionTimeMs: ({ startTimeMs }) => startTimeMs,
  compare: compareExecutions,
};

/**
 * Makes an execution from one value per column.
 *
 * @throws InternalError for a value of the wrong kind
 */
export function executionFrom(read: (column: ExecutionColumn, index: number) => unknown): Execution {
  const fields = Object.fromEntries(
    executionColumns.map((column, index) => [column.property, read(column, index)] as const),
  );
  if (!isExecution(fields)) {
    throw new InternalError('the columns of an execution have values of other types');
  }
  return fields;
}

const jsTypes: Readonly<Record<ExecutionKind, string>> = {
  int64: 'bigint',
  text: 'string',
  'timestamp-ms-utc': 'number',
};

/** Returns whether every column has a value of its kind. */
function isExecution(fields: object): fields is Execution {
  const values = new Map<string, unknown>(Object.entries(fields));
  return executionColumns.every(({ property, kind, nullable }) => {
    const value = values.get(property);
    return value === null ? nullable : typeof value === jsTypes[kind];
  });
}
