/** The permissions for people who query in Athena, and nothing more. */
import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { WarehouseBucket } from './bucket.ts';
import type { CustomerKeys } from './keys.ts';

/** Properties of `AnalystPolicy`. */
export interface AnalystPolicyProps {
  readonly workgroupName: string;
  readonly database: string;
  readonly warehouse: WarehouseBucket;
  readonly keys: CustomerKeys;
}

/** A managed policy, to be attached by hand to the roles or permission sets of analysts. */
export class AnalystPolicy extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, props: AnalystPolicyProps) {
    super(scope, id);
    const policy = new ManagedPolicy(this, 'Policy', {
      description: `Queries in Athena workgroup ${props.workgroupName}, without permission to change data`,
      statements: [
        new PolicyStatement({
          sid: 'AskInWorkgroup',
          actions: [
            ...['athena:GetWorkGroup', 'athena:StartQueryExecution', 'athena:StopQueryExecution'],
            ...['athena:GetQueryExecution', 'athena:GetQueryResults', 'athena:GetQueryResultsStream'],
            ...['athena:ListQueryExecutions', 'athena:BatchGetQueryExecution'],
            ...['athena:ListNamedQueries', 'athena:GetNamedQuery', 'athena:BatchGetNamedQuery'],
          ],
          resources: [this.#arn('athena', 'workgroup', props.workgroupName)],
        }),
        new PolicyStatement({
          sid: 'ReadCatalog',
          actions: ['glue:GetDatabase', 'glue:GetTable', 'glue:GetTables', 'glue:GetPartition', 'glue:GetPartitions'],
          resources: [
            Stack.of(this).formatArn({ service: 'glue', resource: 'catalog' }),
            this.#arn('glue', 'database', props.database),
            this.#arn('glue', 'table', `${props.database}/*`),
          ],
        }),
      ],
    });
    props.warehouse.grantQueries(policy);
    props.keys.grantObjects(policy);
    Validations.of(policy).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:table/${props.database}/*]`,
      reason: 'The database belongs to this stack alone, and everything in it may be queried: its table and its view.',
    });
    this.arn = policy.managedPolicyArn;
  }

  #arn(service: string, resource: string, resourceName: string): string {
    const arnFormat = ArnFormat.SLASH_RESOURCE_NAME;
    return Stack.of(this).formatArn({ service, resource, resourceName, arnFormat });
  }
}
