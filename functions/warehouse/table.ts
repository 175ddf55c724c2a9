/**
 * The definition of a table: its name, its columns, and how its rows are split into files and sorted. Pure data and
 * getters without Arrow, so that every part of the product can import it. The writer (table-batch.ts, parquet.ts,
 * partitions.ts, data-files.ts) knows tables only by these definitions.
 */
import type { EpochMs } from '../model.ts';

/** The JS value of each kind of column. */
export interface ValueByKind {
  int64: bigint;
  text: string;
  'timestamp-ms-utc': EpochMs;
  boolean: boolean;
}

/** The kinds of columns. Each engine derives its type names from them. */
export type ColumnKind = keyof ValueByKind;

/** The parts of a column that the files and the catalog need. */
export interface ColumnFacts {
  readonly name: string;
  readonly nullable: boolean;
  readonly description: string;
  /** Free text carries no min/max statistics: they would be large and useless. */
  readonly freeText?: true;
  /** Numbers that repeat from row to row: writing tries a dictionary. For text it always does. */
  readonly repeats?: true;
}

export interface StoredColumn extends ColumnFacts {
  readonly kind: ColumnKind;
}

/** A column of one kind. */
export interface ColumnOf<Row, Kind extends ColumnKind> extends ColumnFacts {
  readonly kind: Kind;
  readonly read: (row: Row) => ValueByKind[Kind] | null;
}

/** A column of the rows of a table. */
export type TableColumn<Row> = { [Kind in ColumnKind]: ColumnOf<Row, Kind> }[ColumnKind];

/** Columns that are in the path only, outermost first. Both are text. Every table has them. */
export const partitionColumns = ['workspace', 'dt'] as const;

export interface Table<Row extends { readonly workspace: string }> {
  /** Name of the table, and of the folder with its data files. */
  readonly name: string;
  readonly description: string;
  /** The columns of every data file, in order. New ones are nullable and come at the end. */
  readonly columns: readonly TableColumn<Row>[];
  readonly partitionDescriptions: Readonly<Record<(typeof partitionColumns)[number], string>>;
  /** The time whose day is `dt`. */
  readonly partitionTimeMs: (row: Row) => EpochMs;
  /** The order of the rows of a file. */
  readonly compare: (a: Row, b: Row) => number;
}

/** The parts of a definition that do not depend on the type of its rows. */
export type TableFacts = Pick<Table<never>, 'name' | 'description' | 'partitionDescriptions'> & {
  readonly columns: readonly StoredColumn[];
};

/** Defines a nullable column of one kind. */
type Definer<Row, Kind extends ColumnKind> = (
  name: string,
  description: string,
  read: ColumnOf<Row, Kind>['read'],
  options?: Pick<ColumnFacts, 'freeText' | 'repeats'>,
) => ColumnOf<Row, Kind>;

/** Returns functions that define the columns of one type of rows. */
export function definersOf<Row>(): {
  readonly text: Definer<Row, 'text'>;
  readonly int64: Definer<Row, 'int64'>;
  readonly time: Definer<Row, 'timestamp-ms-utc'>;
  readonly boolean: Definer<Row, 'boolean'>;
} {
  const define =
    <Kind extends ColumnKind>(kind: Kind): Definer<Row, Kind> =>
    (name, description, read, options) => ({ name, kind, nullable: true, read, description, ...options });
  return {
    text: define('text'),
    // All of these columns are ids and weights, whose values repeat.
    int64: (name, description, read) => define('int64')(name, description, read, { repeats: true }),
    time: define('timestamp-ms-utc'),
    boolean: define('boolean'),
  };
}

/** Where a row came from, and which run wrote it when. */
interface WrittenRow {
  readonly projectId: string;
  readonly observedAtMs: EpochMs;
  readonly runId: string;
}

/** Returns the columns that say where a row came from. `observedAt` describes the time of its observation. */
export function originColumns<Row extends WrittenRow>(observedAt: string): TableColumn<Row>[] {
  const { text, time } = definersOf<Row>();
  return [
    text('project_id', 'Id of the Huawei Cloud project.', ({ projectId }) => projectId),
    time('observed_at', observedAt, ({ observedAtMs }) => observedAtMs, { repeats: true }),
    text('run_id', 'The dqsync run that wrote the row.', ({ runId }) => runId),
  ].map(notNull);
}

/** Makes a column one that has a value in every row. */
export function notNull<Column extends ColumnFacts>(column: Column): Column {
  return { ...column, nullable: false };
}

/** Returns the names of all columns, in order: those of the files, then the partition columns. */
export function columnNames({ columns }: Pick<TableFacts, 'columns'>): string[] {
  return [...columns.map(({ name }) => name), ...partitionColumns];
}
