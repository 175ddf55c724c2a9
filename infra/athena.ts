/** The Athena workgroup with named queries. */
import { Aws } from 'aws-cdk-lib';
import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { Construct } from 'constructs';
import { namedQueries } from '../functions/query/named-queries.ts';
import { viewName } from '../functions/warehouse/layout.ts';
import type { WarehouseParts } from './bucket.ts';
import type { Catalog } from './catalog.ts';

const bytesPerGb = 1_000_000_000;
/** Long enough for a trend, short enough to read few partitions. */
const lastDays = 30;

/** Properties of `QueryWorkgroup`. */
interface QueryWorkgroupProps extends WarehouseParts {
  readonly catalog: Catalog;
}

/** The workgroup, which has the name of the stack, and its named queries. */
export class QueryWorkgroup extends Construct {
  constructor(scope: Construct, id: string, { deployment, warehouse, catalog }: QueryWorkgroupProps) {
    super(scope, id);
    const { stackName: name, queryScanLimitGb, bucketKey } = deployment;
    const workgroup = new CfnWorkGroup(this, 'Workgroup', {
      name,
      description: 'Questions about the results of DataArts quality tasks',
      state: 'ENABLED',
      // Deletes only the history of queries, not data.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: Math.max(10_000_000, Math.round(queryScanLimitGb * bytesPerGb)),
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: warehouse.resultsUrl,
          expectedBucketOwner: Aws.ACCOUNT_ID,
          encryptionConfiguration:
            bucketKey === undefined
              ? { encryptionOption: 'SSE_S3' }
              : { encryptionOption: 'SSE_KMS', kmsKey: bucketKey },
        },
      },
    });
    const further = (view: string): string => `"${catalog.database}"."${view}"`;
    for (const { title, description, sql } of namedQueries({ view: further(viewName), lastDays, further })) {
      const query = new CfnNamedQuery(this, title, {
        name: title,
        description,
        database: catalog.database,
        workGroup: name,
        queryString: sql,
      });
      query.addResourceDependency(workgroup);
      for (const view of catalog.views) {
        query.addResourceDependency(view);
      }
    }
  }
}
