/**
 * The one table of the columns. Pure data and getters, without Arrow, so that every part of the product can import it.
 *
 * Derived from it: the Arrow batch, the Parquet schema, the Glue table, the SQL of the view, the fingerprint of an
 * execution, the stored form of open executions in the checkpoint, the documented fields of the API, the columns of
 * `dqsync list`, the comparison of rows in `dqsync verify`, and COLUMNS.md.
 *
 * To add a column, add a nullable one at the end: files written before it are read as null there (functions/README.md,
 * three recipes).
 */
import { InternalError } from '../errors.ts';
import type { EpochMs, Execution, Observation } from '../model.ts';

/** The JS value of each kind of column. */
interface ValueByKind {
  int64: bigint;
  text: string;
  'timestamp-ms-utc': EpochMs;
}

/** The kinds of columns. Each engine derives its type names from them. */
export type ColumnKind = keyof ValueByKind;

interface ColumnFacts {
  readonly name: string;
  readonly nullable: boolean;
  readonly description: string;
  /** Free text carries no min/max statistics: they would be large and useless. */
  readonly freeText?: true;
  /** Numbers that repeat from row to row: writing tries a dictionary. For text it always does. */
  readonly repeats?: true;
}

/** A column as files hold it, whatever its values come from. */
export interface StoredColumn extends ColumnFacts {
  readonly kind: ColumnKind;
}

interface ExecutionColumnOf<Kind extends ColumnKind> extends ColumnFacts {
  readonly kind: Kind;
  readonly source: 'execution';
  /** Fields of the API that hold the value; of several, the first one with a value counts. Empty for `extra`. */
  readonly wireFields: readonly string[];
  /** Part of the key of an execution: never changes. */
  readonly isKey?: true;
  readonly read: (execution: Execution) => ValueByKind[Kind] | null;
}

interface RunColumnOf<Kind extends ColumnKind> extends ColumnFacts {
  readonly kind: Kind;
  readonly source: 'run';
  readonly read: (observation: Observation) => ValueByKind[Kind] | null;
}

/** The kind that holds values of a type. */
type KindOf<Value> = {
  [Kind in ColumnKind]: NonNullable<Value> extends ValueByKind[Kind] ? Kind : never;
}[ColumnKind];
type NullabilityOf<Value> = { readonly nullable: null extends Value ? true : false };
type RunProperty = Exclude<keyof Observation, keyof Execution | 'workspace'>;

/** One entry per property of an observation, of the kind and nullability of the property. `workspace` is in the path only. */
type ColumnTable = {
  readonly [Property in keyof Execution]: ExecutionColumnOf<KindOf<Execution[Property]>> &
    NullabilityOf<Execution[Property]>;
} & {
  readonly [Property in RunProperty]: RunColumnOf<KindOf<Observation[Property]>> & NullabilityOf<Observation[Property]>;
};

/** The table: the order of its entries is the order of the columns. */
const table: ColumnTable = {
  id: {
    name: 'id',
    kind: 'int64',
    nullable: false,
    source: 'execution',
    wireFields: ['id'],
    isKey: true,
    read: ({ id }) => id,
    description: 'Number of the instance: one run of a quality task. 19 digits.',
  },
  name: {
    name: 'name',
    kind: 'text',
    nullable: true,
    source: 'execution',
    wireFields: ['name'],
    read: ({ name }) => name,
    description: 'Name of the instance, as its owner wrote it.',
    freeText: true,
  },
  taskId: {
    name: 'task_id',
    kind: 'int64',
    nullable: true,
    source: 'execution',
    wireFields: ['task_id'],
    read: ({ taskId }) => taskId,
    description: 'Number of the quality task that ran. 19 digits.',
    repeats: true,
  },
  taskType: {
    name: 'task_type',
    kind: 'text',
    nullable: true,
    source: 'execution',
    wireFields: ['task_type'],
    read: ({ taskType }) => taskType,
    description: 'QUALITY_TASK or CONSISTENCY_TASK; other values are kept as they came.',
  },
  runStatus: {
    name: 'run_status',
    kind: 'text',
    nullable: true,
    source: 'execution',
    wireFields: ['run_status'],
    read: ({ runStatus }) => runStatus,
    description: 'RUNNING, FAILED, ALARMING, SUCCESS, SUSPENDING or UNKNOWN; others are kept as they came.',
  },
  notifyStatus: {
    name: 'notify_status',
    kind: 'text',
    nullable: true,
    source: 'execution',
    wireFields: ['notify_status', 'notity_status'],
    read: ({ notifyStatus }) => notifyStatus,
    description: 'NOT_TRIGGERED, SUCCESS or FAILED; other values are kept as they came.',
  },
  startTimeMs: {
    name: 'start_time',
    kind: 'timestamp-ms-utc',
    nullable: false,
    source: 'execution',
    wireFields: ['start_time'],
    isKey: true,
    read: ({ startTimeMs }) => startTimeMs,
    description: 'When this run of the instance started, UTC. A re-run has another start_time.',
  },
  endTimeMs: {
    name: 'end_time',
    kind: 'timestamp-ms-utc',
    nullable: true,
    source: 'execution',
    wireFields: ['end_time'],
    read: ({ endTimeMs }) => endTimeMs,
    description: 'When it ended, UTC; null while it runs.',
  },
  projectId: {
    name: 'project_id',
    kind: 'text',
    nullable: false,
    source: 'run',
    read: ({ projectId }) => projectId,
    description: 'Id of the Huawei Cloud project.',
  },
  observedAtMs: {
    name: 'observed_at',
    kind: 'timestamp-ms-utc',
    nullable: false,
    source: 'run',
    read: ({ observedAtMs }) => observedAtMs,
    description: 'When dqsync saw the instance in this state, UTC.',
    repeats: true,
  },
  runId: {
    name: 'run_id',
    kind: 'text',
    nullable: false,
    source: 'run',
    read: ({ runId }) => runId,
    description: 'The dqsync run that wrote the row.',
  },
  extra: {
    name: 'extra',
    kind: 'text',
    nullable: true,
    source: 'execution',
    wireFields: [],
    read: ({ extra }) => extra,
    description: 'JSON text of undocumented fields, and of notes by dqsync; null if there are none.',
    freeText: true,
  },
};

type Named<Definition> = Definition & { readonly property: string };

/** A column whose value is a property of an `Execution`. */
export type ExecutionColumn = { [Kind in ColumnKind]: Named<ExecutionColumnOf<Kind>> }[ColumnKind];
/** A column of the data files. `property` is the name of its value in an `Observation`. */
export type Column = ExecutionColumn | { [Kind in ColumnKind]: Named<RunColumnOf<Kind>> }[ColumnKind];

/** The columns of every data file, in order. */
export const observationColumns: readonly Column[] = Object.entries(table).map(([property, definition]) => ({
  ...definition,
  property,
}));

/** The columns that make up an execution, in order. */
export const executionColumns: readonly ExecutionColumn[] = observationColumns.filter(
  (column) => column.source === 'execution',
);

/** The columns that fields of the API fill. */
export const wireColumns: readonly ExecutionColumn[] = executionColumns.filter(
  ({ wireFields }) => wireFields.length > 0,
);

/** Columns that are in the path only, outermost first. Both are text. */
export const partitionColumns = ['workspace', 'dt'] as const;

/** Descriptions of the partition columns. */
export const partitionColumnDescriptions: Readonly<Record<(typeof partitionColumns)[number], string>> = {
  workspace: 'Id of the DataArts workspace the instance belongs to.',
  dt: 'Day of start_time, YYYY-MM-DD, in the configured partitionTimeZone.',
};

/**
 * Makes an execution from one value per column.
 *
 * @throws InternalError for a value that is not of the kind of its column
 */
export function executionFrom(read: (column: ExecutionColumn, index: number) => unknown): Execution {
  const fields = Object.fromEntries(
    executionColumns.map((column, index) => [column.property, read(column, index)] as const),
  );
  if (!isExecution(fields)) {
    throw new InternalError('the columns of an execution have values of other types', {
      remedy: 'This is a defect of dqsync; please report it with this message.',
    });
  }
  return fields;
}

const jsTypes: Readonly<Record<ColumnKind, string>> = { int64: 'bigint', text: 'string', 'timestamp-ms-utc': 'number' };

/** The table has one entry per property, of its kind: so what has a fitting value in each column is an execution. */
function isExecution(fields: object): fields is Execution {
  const values = new Map<string, unknown>(Object.entries(fields));
  return executionColumns.every(({ property, kind, nullable }) => {
    const value = values.get(property);
    return value === null ? nullable : typeof value === jsTypes[kind];
  });
}
