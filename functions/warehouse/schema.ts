/**
 * The table's columns, defined once, as an Arrow schema.
 *
 * The Parquet schema, the views' column lists and the Glue table derive from it. To add a column, add a nullable field
 * at the end: files that were written before it are read as null there (PROTOCOL.md, compatibility).
 */
import { Field, Schema } from 'apache-arrow/schema';
import { Int64, TimestampMillisecond, Utf8 } from 'apache-arrow/type';
import { InternalError } from '../errors.ts';

/** The columns' Arrow types by name. */
export interface ObservationColumns {
  id: Int64;
  name: Utf8;
  task_id: Int64;
  task_type: Utf8;
  run_status: Utf8;
  notify_status: Utf8;
  start_time: TimestampMillisecond;
  end_time: TimestampMillisecond;
  project_id: Utf8;
  observed_at: TimestampMillisecond;
  run_id: Utf8;
  extra: Utf8;
}

/** Name of a column that is in the files. */
export type ColumnName = keyof ObservationColumns & string;

/** What a column holds, in words every engine's type names can be derived from. */
export type ColumnKind = 'int64' | 'text' | 'timestamp-ms-utc';

/** One column of the schema, as plain data. */
export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly nullable: boolean;
  /** For people: what the column means. */
  readonly comment: string;
  /** Free text: carries no min/max statistics, because they would be large and of no use. */
  readonly freeText: boolean;
  /** Values are expected to repeat from row to row: writing tries a dictionary. */
  readonly repeats: boolean;
}

/** Columns that are in the path only, outermost first. Both are text. */
export const partitionColumns = ['workspace', 'dt'] as const;

/** What the partition columns mean, for people. */
export const partitionColumnComments: Readonly<Record<(typeof partitionColumns)[number], string>> = {
  workspace: 'Id of the DataArts workspace the instance belongs to.',
  dt: 'Day of start_time, YYYY-MM-DD, in the configured partitionTimeZone.',
};

const int64 = new Int64();
const utf8 = new Utf8();
const timestamp = new TimestampMillisecond('UTC');

/** The schema of every data file, in order. Field metadata: `comment`; `free_text` and `repeats`, each `true` or absent. */
export const observationSchema: Schema<{ [name in ColumnName]: ObservationColumns[name] }> = new Schema([
  required('id', int64, 'Number of the instance: one run of a quality task. 19 digits.'),
  freeText('name', 'Name of the instance, as its owner wrote it.'),
  repeating(optional('task_id', int64, 'Number of the quality task that ran. 19 digits.')),
  optional('task_type', utf8, 'QUALITY_TASK or CONSISTENCY_TASK; other values are kept as they came.'),
  optional(
    'run_status',
    utf8,
    'RUNNING, FAILED, ALARMING, SUCCESS, SUSPENDING or UNKNOWN; others are kept as they came.',
  ),
  optional('notify_status', utf8, 'NOT_TRIGGERED, SUCCESS or FAILED; other values are kept as they came.'),
  required('start_time', timestamp, 'When this run of the instance started, UTC. A re-run has another start_time.'),
  optional('end_time', timestamp, 'When it ended, UTC; null while it runs.'),
  required('project_id', utf8, 'Id of the Huawei Cloud project.'),
  repeating(required('observed_at', timestamp, 'When dqsync saw the instance in this state, UTC.')),
  required('run_id', utf8, 'The dqsync run that wrote the row.'),
  freeText('extra', 'JSON text of fields that are not documented, and of notes by dqsync; null where there is none.'),
]);

/** The schema's columns as plain data, in order. */
export const observationColumns: readonly Column[] = observationSchema.fields.map((field) => ({
  name: field.name,
  kind: columnKind(field),
  nullable: field.nullable,
  comment: field.metadata.get('comment') ?? '',
  freeText: field.metadata.get('free_text') === 'true',
  repeats: field.type instanceof Utf8 || field.metadata.get('repeats') === 'true',
}));

/**
 * What a field of the schema holds.
 *
 * @throws InternalError for a type the schema does not use
 */
export function columnKind(field: Field): ColumnKind {
  const { type } = field;
  if (type instanceof Int64) {
    return 'int64';
  }
  if (type instanceof Utf8) {
    return 'text';
  }
  if (type instanceof TimestampMillisecond && type.timezone === 'UTC') {
    return 'timestamp-ms-utc';
  }
  throw new InternalError(`column ${field.name} has type ${type}, which the table does not use`, {
    remedy: 'This is a defect of dqsync; please report it with this message.',
  });
}

type ColumnType = Int64 | Utf8 | TimestampMillisecond;

function required<T extends ColumnType>(name: ColumnName, type: T, comment: string): Field<T> {
  return new Field(name, type, false, new Map([['comment', comment]]));
}

function optional<T extends ColumnType>(name: ColumnName, type: T, comment: string): Field<T> {
  return new Field(name, type, true, new Map([['comment', comment]]));
}

function repeating<T extends ColumnType>({ name, type, nullable, metadata }: Field<T>): Field<T> {
  return new Field(name, type, nullable, new Map([...metadata, ['repeats', 'true']]));
}

function freeText(name: ColumnName, comment: string): Field<Utf8> {
  return new Field(
    name,
    utf8,
    true,
    new Map([
      ['comment', comment],
      ['free_text', 'true'],
    ]),
  );
}
