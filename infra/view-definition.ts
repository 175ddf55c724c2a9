/**
 * A view in the form that Athena stores in the Glue Data Catalog. Pure.
 *
 * It is Trino's `ConnectorViewDefinition` as JSON, in base64, in a comment. Its names are literal, because a CDK token
 * would end up in the base64 as a placeholder. Sources: Trino's ViewReaderUtil, GlueConverter and
 * ConnectorViewDefinition; Athena's "Work with views".
 */
import type { CfnTable } from 'aws-cdk-lib/aws-glue';
import { type View, type ViewColumn, viewSql } from '../functions/query/view.ts';
import { instanceTable } from '../functions/warehouse/columns.ts';
import { viewName } from '../functions/warehouse/layout.ts';
import { type ColumnKind, partitionColumns } from '../functions/warehouse/table.ts';

/** Trino and Athena recognize their views by this text. */
const viewMark = 'Presto View';

/** Types of Hive, in which Glue describes tables and views. */
const hiveTypes: Readonly<Record<ColumnKind, string>> = {
  int64: 'bigint',
  text: 'string',
  'timestamp-ms-utc': 'timestamp',
  boolean: 'boolean',
};

/** Types of Trino, in which Athena defines views. */
const trinoTypes: Readonly<Record<ColumnKind, string>> = {
  int64: 'bigint',
  text: 'varchar',
  // Athena's timestamps always have millisecond precision and no zone; ours are UTC.
  'timestamp-ms-utc': 'timestamp(3)',
  boolean: 'boolean',
};

/** Returns columns as Glue stores them. */
export function glueColumns(columns: readonly ViewColumn[]): CfnTable.ColumnProperty[] {
  return columns.map(({ name, kind, description }) => ({ name, type: hiveTypes[kind], comment: description }));
}

/**
 * Returns a view's SQL for Athena. Every column of the files is cast to the exact type in the definition; otherwise
 * Athena may call the view stale. The columns of the path are not cast, so that predicates on them reach the files
 * below the window function; they are `varchar` anyway.
 */
export function athenaViewSql(database: string, { columns, sql }: View): string {
  const quoted = (name: string): string => `"${database}"."${name}"`;
  const casts = columns.map(({ name, kind }) =>
    partitionColumns.some((column) => column === name) ? name : `CAST(${name} AS ${trinoTypes[kind]}) AS ${name}`,
  );
  // A view in Athena reads tables only: it may call a view stale if another that it reads has changed.
  const select = sql((name) => (name === viewName ? `(\n${viewSql(quoted(instanceTable.name))}\n)` : quoted(name)));
  return `SELECT\n  ${casts.join(',\n  ')}\nFROM (\n${select}\n) AS latest`;
}

/** Returns the Glue table of a view. */
export function viewTableInput(database: string, view: View): CfnTable.TableInputProperty {
  const definition = {
    originalSql: athenaViewSql(database, view),
    catalog: 'awsdatacatalog',
    schema: database,
    columns: view.columns.map(({ name, kind }) => ({ name, type: trinoTypes[kind] })),
    // Without these two, Athena's engine 3 fails with "Invalid JSON bytes".
    runAsInvoker: false,
    path: [],
  };
  const encoded = Buffer.from(JSON.stringify(definition), 'utf8').toString('base64');
  return {
    name: view.name,
    // Trino uses the description as the comment, and recognizes no view with another comment.
    description: viewMark,
    tableType: 'VIRTUAL_VIEW',
    parameters: { presto_view: 'true', comment: viewMark },
    // Athena fails on a view without these, although they are empty.
    partitionKeys: [],
    storageDescriptor: {
      columns: glueColumns(view.columns),
      location: '',
      inputFormat: '',
      outputFormat: '',
      serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' },
    },
    viewOriginalText: `/* Presto View: ${encoded} */`,
    viewExpandedText: '/* Presto View */',
  };
}
