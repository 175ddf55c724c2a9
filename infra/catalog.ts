/** The table and the view in the Glue Data Catalog, so that Athena finds them without DDL. */
import { Aws } from 'aws-cdk-lib';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import { Construct } from 'constructs';
import { furtherTables, furtherViews } from '../functions/query/further-views.ts';
import { instanceTable } from '../functions/warehouse/columns.ts';
import type { TableFacts } from '../functions/warehouse/table.ts';
import type { WarehouseBucket } from './bucket.ts';
import { type CatalogColumn, fileColumnsOf, pathColumnsOf } from './column-types.ts';
import type { Deployment } from './deployment.ts';
import { furtherViewTableInput, viewTableInput } from './view-definition.ts';

/** Properties of `Catalog`. */
export interface CatalogProps {
  readonly deployment: Deployment;
  readonly warehouse: WarehouseBucket;
}

/** Database, table and view. */
export class Catalog extends Construct {
  /** A literal name, not a token. */
  readonly database: string;
  readonly view: CfnTable;
  /** The views of tasks, rules, results and failures. */
  readonly furtherViews: readonly CfnTable[];

  constructor(scope: Construct, id: string, { deployment, warehouse }: CatalogProps) {
    super(scope, id);
    this.database = deployment.database;
    const database = new CfnDatabase(this, 'Database', {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: this.database, description: 'Results of DataArts quality tasks, kept by dqsync.' },
    });
    const table = new CfnTable(this, 'Table', {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.database,
      tableInput: glueTable(instanceTable, deployment, warehouse.tableUrl(instanceTable.name)),
    });
    table.addResourceDependency(database);
    this.view = new CfnTable(this, 'View', {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.database,
      tableInput: viewTableInput(this.database),
    });
    this.view.addResourceDependency(table);
    const tables = furtherTables.map((further) => {
      const glue = new CfnTable(this, pascalCase(further.name), {
        catalogId: Aws.ACCOUNT_ID,
        databaseName: this.database,
        tableInput: glueTable(further, deployment, warehouse.tableUrl(further.name)),
      });
      glue.addResourceDependency(database);
      return glue;
    });
    this.furtherViews = furtherViews.map((further) => {
      const view = new CfnTable(this, pascalCase(further.name), {
        catalogId: Aws.ACCOUNT_ID,
        databaseName: this.database,
        tableInput: furtherViewTableInput(this.database, further),
      });
      for (const source of [table, ...tables]) {
        view.addResourceDependency(source);
      }
      return view;
    });
  }
}

/** `quality_tasks` as `QualityTasks`, for an id. */
function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function glueTable(table: TableFacts, deployment: Deployment, tableUrl: string): CfnTable.TableInputProperty {
  return {
    name: table.name,
    description: table.description,
    tableType: 'EXTERNAL_TABLE',
    parameters: { EXTERNAL: 'TRUE', classification: 'parquet', ...projection(deployment, tableUrl) },
    partitionKeys: pathColumnsOf(table).map(hiveColumn),
    storageDescriptor: {
      columns: fileColumnsOf(table).map(hiveColumn),
      location: tableUrl,
      inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
      outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
      serdeInfo: {
        serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
        parameters: { 'serialization.format': '1' },
      },
    },
  };
}

function hiveColumn({ name, hiveType, comment }: CatalogColumn): CfnTable.ColumnProperty {
  return { name, type: hiveType, comment };
}

/**
 * Partition projection: Athena computes the partitions itself, so a new day needs neither `MSCK REPAIR` nor a crawler.
 *
 * The range begins as late as possible, because a query without `dt` lists every day of it and S3 bills each listing. A
 * backfill of earlier days prints that `firstDay` must be changed. The range ends tomorrow, because Athena counts days
 * in UTC and it is already tomorrow further east. Rows outside of the range or in a workspace that is not listed are
 * not shown, and there is no error.
 */
function projection({ config, firstDay, otherWorkspaces }: Deployment, tableUrl: string): Record<string, string> {
  const workspaces = new Set([...config.targets.map(({ workspace }) => workspace), ...otherWorkspaces]);
  return {
    'projection.enabled': 'true',
    'projection.workspace.type': 'enum',
    'projection.workspace.values': [...workspaces].join(','),
    'projection.dt.type': 'date',
    'projection.dt.format': 'yyyy-MM-dd',
    'projection.dt.range': `${firstDay},NOW+1DAYS`,
    'projection.dt.interval': '1',
    'projection.dt.interval.unit': 'DAYS',
    'storage.location.template': `${tableUrl}workspace=\${workspace}/dt=\${dt}/`,
  };
}
