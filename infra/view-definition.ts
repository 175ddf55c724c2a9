/**
 * A view in the form that Athena stores in the Glue Data Catalog. Pure.
 *
 * It is Trino's `ConnectorViewDefinition` as JSON, in base64, in a comment. Its names are literal, because a CDK token
 * would end up in the base64 as a placeholder. Sources: Trino's ViewReaderUtil, GlueConverter and
 * ConnectorViewDefinition; Athena's "Work with views".
 */
import type { CfnTable } from 'aws-cdk-lib/aws-glue';
import { viewSql } from '../functions/query/view.ts';
import { instanceTable } from '../functions/warehouse/columns.ts';
import { tableName, viewName } from '../functions/warehouse/layout.ts';
import { type CatalogColumn, fileColumnsOf, pathColumnsOf } from './column-types.ts';

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
  const definition = {
    originalSql: athenaViewSql(database),
    catalog: 'awsdatacatalog',
    schema: database,
    columns: viewColumns.map(({ name, trinoType }) => ({ name, type: trinoType })),
    // Without these two, Athena's engine 3 fails with "Invalid JSON bytes".
    runAsInvoker: false,
    path: [],
  };
  const encoded = Buffer.from(JSON.stringify(definition), 'utf8').toString('base64');
  return {
    name: viewName,
    // Trino uses the description as the comment, and recognizes no view with another comment.
    description: viewMark,
    tableType: 'VIRTUAL_VIEW',
    parameters: { presto_view: 'true', comment: viewMark },
    // Athena fails on a view without these, although they are empty.
    partitionKeys: [],
    storageDescriptor: {
      columns: viewColumns.map(({ name, hiveType, comment }) => ({ name, type: hiveType, comment })),
      location: '',
      inputFormat: '',
      outputFormat: '',
      serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' },
    },
    viewOriginalText: `/* Presto View: ${encoded} */`,
    viewExpandedText: '/* Presto View */',
  };
}
