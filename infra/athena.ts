/** The Athena workgroup with named queries. */
import { Aws } from 'aws-cdk-lib';
import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { Construct } from 'constructs';
import { namedQueries } from '../functions/query/named-queries.ts';
import { viewName } from '../functions/warehouse/layout.ts';
import type { WarehouseBucket } from './bucket.ts';
import type { Catalog } from './catalog.ts';

const bytesPerGb = 1_000_000_000;
/** Long enough for a trend, short enough to read few partitions. */
const lastDays = 30;

/** Properties of `QueryWorkgroup`. */
export interface QueryWorkgroupProps {
  readonly name: string;
  /** A query that would scan more is canceled. */
  readonly scanLimitGb: number;
  readonly warehouse: WarehouseBucket;
  /** ARN of the customer's key for the results; undefined for S3's own key. */
  readonly bucketKey: string | undefined;
  readonly catalog: Catalog;
}

/** The workgroup and its named queries. */
export class QueryWorkgroup extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, { name, scanLimitGb, warehouse, bucketKey, catalog }: QueryWorkgroupProps) {
    super(scope, id);
    this.name = name;
    const workgroup = new CfnWorkGroup(this, 'Workgroup', {
      name,
      description: 'Questions about the results of DataArts quality tasks',
      state: 'ENABLED',
      // Deletes only the history of queries, not data.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: Math.max(10_000_000, Math.round(scanLimitGb * bytesPerGb)),
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
