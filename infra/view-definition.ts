/**
 * A view as Athena keeps it in the Glue Data Catalog. Pure.
 *
 * Trino's `ConnectorViewDefinition`, as JSON, in base64, in a comment. Names in it are literal: a CDK token would end up in
 * the base64 as its placeholder. Sources: Trino's ViewReaderUtil, GlueConverter and ConnectorViewDefinition;
 * Athena's "Work with views".
 */
import type { CfnTable } from 'aws-cdk-lib/aws-glue';
import { viewSql } from '../functions/query/view.ts';
import { instanceTable } from '../functions/warehouse/columns.ts';
import { tableName, viewName } from '../functions/warehouse/layout.ts';
import { type CatalogColumn, fileColumnsOf, pathColumnsOf } from './column-types.ts';

/** What Trino and Athena know a view of theirs by. */
const viewMark = 'Presto View';

const fileColumns = fileColumnsOf(instanceTable);
const pathColumns = pathColumnsOf(instanceTable);
const viewColumns: readonly CatalogColumn[] = [...fileColumns, ...pathColumns];

/**
 * The view's SQL for Athena. Every column of the files is cast to the very type that the definition names, or Athena may
 * call the view stale. The columns of the path are left bare, so that nothing stands between a predicate on them and the
 * window function that it must get below; they are `varchar` anyway.
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

/** The Glue table that stands for the view `quality_instances`. */
export function viewTableInput(database: string): CfnTable.TableInputProperty {
  const definition = {
    originalSql: athenaViewSql(database),
    catalog: 'awsdatacatalog',
    schema: database,
    columns: viewColumns.map(({ name, trinoType }) => ({ name, type: trinoType })),
    // Athena's engine 3 fails with "Invalid JSON bytes" where these two are missing.
    runAsInvoker: false,
    path: [],
  };
  const encoded = Buffer.from(JSON.stringify(definition), 'utf8').toString('base64');
  return {
    name: viewName,
    // Trino puts the description in the place of the comment, and takes no table for a view that has another comment.
    description: viewMark,
    tableType: 'VIRTUAL_VIEW',
    parameters: { presto_view: 'true', comment: viewMark },
    // Athena fails on a view without them, empty as they are.
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
