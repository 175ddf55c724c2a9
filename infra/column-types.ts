/**
 * The columns of a table in Athena: Hive's types for the Glue table, Trino's for the view, derived from the same
 * definition.
 */
import { type ColumnKind, partitionColumns, type TableFacts } from '../functions/warehouse/table.ts';

/** One column in both notations. */
export interface CatalogColumn {
  readonly name: string;
  readonly hiveType: string;
  readonly trinoType: string;
  readonly comment: string;
}

const spellings: Readonly<Record<ColumnKind, { readonly hiveType: string; readonly trinoType: string }>> = {
  int64: { hiveType: 'bigint', trinoType: 'bigint' },
  text: { hiveType: 'string', trinoType: 'varchar' },
  // Athena's timestamps always have millisecond precision and no zone; ours are UTC.
  'timestamp-ms-utc': { hiveType: 'timestamp', trinoType: 'timestamp(3)' },
  boolean: { hiveType: 'boolean', trinoType: 'boolean' },
};

/** Returns the columns that are in the files of a table, in order. */
export function fileColumnsOf({ columns }: TableFacts): CatalogColumn[] {
  return catalogColumns(columns);
}

/** Returns columns of a view. */
export function catalogColumns(
  columns: readonly Pick<TableFacts['columns'][number], 'name' | 'kind' | 'description'>[],
): CatalogColumn[] {
  return columns.map(({ name, kind, description }) => ({ name, ...spellings[kind], comment: description }));
}

/** Returns the columns that are in the path, outermost first. */
export function pathColumnsOf({ partitionDescriptions }: TableFacts): CatalogColumn[] {
  return partitionColumns.map((name) => ({ name, ...spellings.text, comment: partitionDescriptions[name] }));
}
