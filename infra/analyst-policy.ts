/** The permissions for people who query in Athena, and nothing more. */
import { Stack, Validations } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { WarehouseParts } from './bucket.ts';
import { grantBucketKey } from './keys.ts';
import { allow, arnOf } from './permissions.ts';

/** A managed policy, to be attached by hand to the roles or permission sets of analysts. */
export class AnalystPolicy extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, { deployment, warehouse }: WarehouseParts) {
    super(scope, id);
    const { stackName, database } = deployment;
    const policy = new ManagedPolicy(this, 'Policy', {
      description: `Queries in Athena workgroup ${stackName}, without permission to change data`,
    });
    const ask = [
      ...['athena:GetWorkGroup', 'athena:StartQueryExecution', 'athena:StopQueryExecution'],
      ...['athena:GetQueryExecution', 'athena:GetQueryResults', 'athena:GetQueryResultsStream'],
      ...['athena:ListQueryExecutions', 'athena:BatchGetQueryExecution'],
      ...['athena:ListNamedQueries', 'athena:GetNamedQuery', 'athena:BatchGetNamedQuery'],
    ];
    allow(policy, 'AskInWorkgroup', ask, [arnOf(this, 'athena', 'workgroup', stackName)]);
    // The console needs these, and IAM can restrict neither of the lists to a resource.
    allow(policy, 'FindWorkgroup', ['athena:ListWorkGroups', 'athena:ListDataCatalogs'], ['*']);
    const browse = [
      ...['athena:GetDataCatalog', 'athena:ListDatabases', 'athena:GetDatabase'],
      ...['athena:ListTableMetadata', 'athena:GetTableMetadata'],
    ];
    allow(policy, 'BrowseCatalog', browse, [arnOf(this, 'athena', 'datacatalog', 'AwsDataCatalog')]);
    const read = [
      ...['glue:GetDatabase', 'glue:GetDatabases', 'glue:GetTable', 'glue:GetTables'],
      ...['glue:GetPartition', 'glue:GetPartitions'],
    ];
    allow(policy, 'ReadCatalog', read, [
      Stack.of(this).formatArn({ service: 'glue', resource: 'catalog' }),
      arnOf(this, 'glue', 'database', database),
      // Athena looks there before each query ("Configure access to databases and tables in the AWS Glue Data Catalog").
      // Its tables are not granted.
      arnOf(this, 'glue', 'database', 'default'),
      arnOf(this, 'glue', 'table', `${database}/*`),
    ]);
    warehouse.grantQueries(policy);
    grantBucketKey(policy, deployment);
    Validations.of(policy).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:table/${database}/*]`,
      reason: 'The database belongs to this stack alone, and everything in it may be queried: its table and its view.',
    });
    Validations.of(policy).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'Lists of names of workgroups and catalogs, which the console of Athena shows; IAM cannot restrict them.',
    });
    this.arn = policy.managedPolicyArn;
  }
}
