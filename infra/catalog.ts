/** The table and the view in the Glue Data Catalog, so that Athena finds them without DDL. */
import { Aws, type CfnResource } from 'aws-cdk-lib';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import { Construct } from 'constructs';
import { allTables, allViews } from '../functions/query/further-views.ts';
import { columnsOf, instanceView } from '../functions/query/view.ts';
import { instanceTable } from '../functions/warehouse/columns.ts';
import { partitionColumns, type TableFacts } from '../functions/warehouse/table.ts';
import type { WarehouseParts } from './bucket.ts';
import type { Deployment } from './deployment.ts';
import { glueColumns, viewTableInput } from './view-definition.ts';

/** The database, its tables and views. */
export class Catalog extends Construct {
  /** A literal name, not a token. */
  readonly database: string;
  readonly views: readonly CfnTable[];

  constructor(scope: Construct, id: string, { deployment, warehouse }: WarehouseParts) {
    super(scope, id);
    this.database = deployment.database;
    const database = new CfnDatabase(this, 'Database', {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: this.database, description: 'Results of DataArts quality tasks, kept by dqsync.' },
    });
    const tables = allTables.map((table) => {
      const input = glueTable(table, deployment, warehouse.tableUrl(table.name));
      return this.#add(table === instanceTable ? 'Table' : pascalCase(table.name), input, [database]);
    });
    this.views = allViews.map((view) => {
      const input = viewTableInput(this.database, view);
      return this.#add(view === instanceView ? 'View' : pascalCase(view.name), input, tables);
    });
  }

  #add(id: string, tableInput: CfnTable.TableInputProperty, sources: readonly CfnResource[]): CfnTable {
    const table = new CfnTable(this, id, { catalogId: Aws.ACCOUNT_ID, databaseName: this.database, tableInput });
    for (const source of sources) {
      table.addResourceDependency(source);
    }
    return table;
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
    partitionKeys: glueColumns(columnsOf([table], partitionColumns)),
    storageDescriptor: {
      columns: glueColumns(table.columns),
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
