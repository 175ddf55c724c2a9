/** The table's columns in the words of Athena: Hive's types for the Glue table, Trino's for the view. One source for both. */
import {
  type ColumnKind,
  observationColumns,
  partitionColumnDescriptions,
  partitionColumns,
} from '../functions/warehouse/columns.ts';

/** One column as both spell it. */
export interface CatalogColumn {
  readonly name: string;
  readonly hiveType: string;
  readonly trinoType: string;
  readonly comment: string;
}

const spellings: Readonly<Record<ColumnKind, { readonly hiveType: string; readonly trinoType: string }>> = {
  int64: { hiveType: 'bigint', trinoType: 'bigint' },
  text: { hiveType: 'string', trinoType: 'varchar' },
  // Athena's precision is always milliseconds, and its timestamps have no zone: ours are UTC.
  'timestamp-ms-utc': { hiveType: 'timestamp', trinoType: 'timestamp(3)' },
};

/** The columns that are in the files, in order. */
export const fileColumns: readonly CatalogColumn[] = observationColumns.map(({ name, kind, description }) => ({
  name,
  ...spellings[kind],
  comment: description,
}));

/** The columns that are in the path, outermost first. */
export const pathColumns: readonly CatalogColumn[] = partitionColumns.map((name) => ({
  name,
  ...spellings.text,
  comment: partitionColumnDescriptions[name],
}));
