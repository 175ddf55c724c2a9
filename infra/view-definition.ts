/**
 * A view in the form that Athena stores in the Glue Data Catalog. Pure.
 *
 * It is Trino's `ConnectorViewDefinition` as JSON, in base64, in a comment. Its names are literal, because a CDK token
 * would end up in the base64 as a placeholder. Sources: Trino's ViewReaderUtil, GlueConverter and
 * ConnectorViewDefinition; Athena's "Work with views".
 */
import type { CfnTable } from 'aws-cdk-lib/aws-glue';
import type { View } from '../functions/query/further-views.ts';
import { viewSql } from '../functions/query/view.ts';
import { instanceTable } from '../functions/warehouse/columns.ts';
import { tableName, viewName } from '../functions/warehouse/layout.ts';
import { partitionColumns } from '../functions/warehouse/table.ts';
import { type CatalogColumn, catalogColumns, fileColumnsOf, pathColumnsOf } from './column-types.ts';

/** Trino and Athena recognize their views by this text. */
const viewMark = 'Presto View';

const fileColumns = fileColumnsOf(instanceTable);
const pathColumns = pathColumnsOf(instanceTable);
const viewColumns: readonly CatalogColumn[] = [...fileColumns, ...pathColumns];

/**
 * Returns the view's SQL for Athena. Every column of the files is cast to the exact type in the definition; otherwise
 * Athena may call the view stale. The columns of the path are not cast, so that predicates on them reach the files
 * below the window function; they are `varchar` anyway.
 */
export function athenaViewSql(database: string): string {
  const columns = [
    ...fileColumns.map(({ name, trinoType }) => `CAST(${name} AS ${trinoType}) AS ${name}`),
    ...pathColumns.map(({ name }) => name),
  ];
  return `SELECT
  ${columns.join(',\n  ')}
FROM (
${viewSql(`"${database}"."${tableName}"`)}
) AS latest`;
}

/** Returns the Glue table of the view `quality_instances`. */
export function viewTableInput(database: string): CfnTable.TableInputProperty {
  return tableInput(database, viewName, viewColumns, athenaViewSql(database));
}

/** Returns the Glue table of a further view. Every column is cast to the exact type in the definition. */
export function furtherViewTableInput(database: string, view: View): CfnTable.TableInputProperty {
  const columns = catalogColumns(view.columns);
  const casts = columns.map(({ name, trinoType }) =>
    partitionColumns.some((column) => column === name) ? name : `CAST(${name} AS ${trinoType}) AS ${name}`,
  );
  // A view in Athena reads tables only: it may call a view stale if another that it reads has changed.
  const sql = view.sql((name) =>
    name === viewName ? `(\n${viewSql(`"${database}"."${tableName}"`)}\n)` : `"${database}"."${name}"`,
  );
  return tableInput(database, view.name, columns, `SELECT\n  ${casts.join(',\n  ')}\nFROM (\n${sql}\n) AS latest`);
}

function tableInput(
  database: string,
  name: string,
  columns: readonly CatalogColumn[],
  originalSql: string,
): CfnTable.TableInputProperty {
  const definition = {
    originalSql,
    catalog: 'awsdatacatalog',
    schema: database,
    columns: columns.map((column) => ({ name: column.name, type: column.trinoType })),
    // Without these two, Athena's engine 3 fails with "Invalid JSON bytes".
    runAsInvoker: false,
    path: [],
  };
  const encoded = Buffer.from(JSON.stringify(definition), 'utf8').toString('base64');
  return {
    name,
    // Trino uses the description as the comment, and recognizes no view with another comment.
    description: viewMark,
    tableType: 'VIRTUAL_VIEW',
    parameters: { presto_view: 'true', comment: viewMark },
    // Athena fails on a view without these, although they are empty.
    partitionKeys: [],
    storageDescriptor: {
      columns: columns.map((column) => ({ name: column.name, type: column.hiveType, comment: column.comment })),
      location: '',
      inputFormat: '',
      outputFormat: '',
      serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' },
    },
    viewOriginalText: `/* Presto View: ${encoded} */`,
    viewExpandedText: '/* Presto View */',
  };
}
