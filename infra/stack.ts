/** The whole deployment. Only connects its parts, each of which is explained in its own file. */
import { Aws, CfnOutput, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { reportKey } from '../functions/warehouse/layout.ts';
import { Alarms } from './alarms.ts';
import { AnalystPolicy } from './analyst-policy.ts';
import { QueryWorkgroup } from './athena.ts';
import { BackfillWorkflow } from './backfill-workflow.ts';
import { WarehouseBucket } from './bucket.ts';
import { Catalog } from './catalog.ts';
import { SyncDashboard } from './dashboard.ts';
import type { Deployment } from './deployment.ts';
import { ReportFunction } from './report-function.ts';
import { namespaceOf } from './run-metrics.ts';
import { SyncSchedule } from './schedule.ts';
import { CredentialSecrets } from './secrets.ts';
import { DeadLetters, SyncFunction } from './sync-function.ts';

/** Properties of `DqsyncStack`. */
interface DqsyncStackProps extends StackProps {
  readonly deployment: Deployment;
}

/**
 * The schedule starts the function, which writes to the bucket. A backfill's state machine does the same through its
 * own function. Table, view and named queries read the bucket; alarms and the dashboard watch everything.
 */
export class DqsyncStack extends Stack {
  constructor(scope: Construct, id: string, { deployment, ...props }: DqsyncStackProps) {
    super(scope, id, { ...props, terminationProtection: deployment.terminationProtection });
    this.#applyToAll(deployment);
    const namespace = namespaceOf(deployment.stackName);
    const warehouse = new WarehouseBucket(this, 'Warehouse', deployment);
    const secrets = new CredentialSecrets(this, 'Secrets', deployment);
    const parts = { deployment, warehouse, secrets };
    const deadLetters = new DeadLetters(this, 'DeadLetters');
    const sync = new SyncFunction(this, 'Sync', { ...parts, deadLetters, namespace });
    const report = deployment.report ? new ReportFunction(this, 'Report', parts).function : undefined;
    new SyncSchedule(this, 'Schedule', { deployment, function: sync.function, report, deadLetters });
    if (deployment.catalog) {
      const catalog = new Catalog(this, 'Catalog', { deployment, warehouse });
      new QueryWorkgroup(this, 'Queries', { deployment, warehouse, catalog });
    }
    const output = (name: string, value: string, description: string): void => {
      new CfnOutput(this, name, { value, description });
    };
    if (deployment.catalog && deployment.analystPolicy) {
      output('AnalystPolicyArn', new AnalystPolicy(this, 'Analysts', parts).arn, 'To attach to roles of analysts');
    }
    const backfill = new BackfillWorkflow(this, 'Backfill', parts);
    const watched = { deployment, sync, backfill, report, deadLetters, namespace };
    const alarms = new Alarms(this, 'Alarms', watched);
    new SyncDashboard(this, 'Dashboard', { ...watched, alarms });
    const { stackName } = deployment;
    output('DashboardUrl', consoleUrl('cloudwatch', `dashboards/dashboard/${stackName}`), 'Is it healthy and fresh?');
    if (deployment.catalog) {
      output('AthenaUrl', consoleUrl('athena', `workgroups/details/${stackName}`), 'To ask questions');
      output('Database', deployment.database, 'Database of table and view');
      output('FirstDay', deployment.firstDay, 'First day that Athena reads: deployment.firstDay');
    }
    output('WarehouseUrl', warehouse.url, 'Location of the data: "warehouse" in the config of the CLI');
    const { storage } = deployment.config;
    if (Object.keys(storage).length > 0) {
      output(
        'WarehouseStorage',
        JSON.stringify(storage),
        'How objects are written: "storage" in the config of the CLI',
      );
    }
    if (report !== undefined) {
      output('ReportUrl', `${warehouse.url}/${reportKey}`, 'The published report; "dqsync report --url" opens it');
    }
    output('FunctionName', sync.function.functionName, 'To invoke by hand');
    output('BackfillStateMachineArn', backfill.stateMachineArn, 'To start a backfill with');
    output('BackfillFunctionName', backfill.function.functionName, 'Function that a backfill invokes');
    const targetNames = deployment.config.targets.map(({ name }) => name).join(',');
    output('TargetNames', targetNames, 'Targets that can be backfilled');
    output('DeadLetterQueueUrl', deadLetters.queue.queueUrl, 'Events of runs that could not be started or failed');
    output('AlarmTopicArn', alarms.topic.topicArn, 'To subscribe to');
    if (secrets.created.length > 0) {
      output('SecretsToFill', secrets.created.join(', '), 'Secrets of this stack whose values must be set by hand');
    }
  }

  /**
   * Applies what the account requires of every stack: tags on all resources that support them, and a boundary on every
   * role.
   */
  #applyToAll({ tags, permissionsBoundary }: Deployment): void {
    for (const [key, value] of Object.entries(tags)) {
      Tags.of(this).add(key, value);
    }
    if (permissionsBoundary !== undefined) {
      PermissionsBoundary.of(this).apply(ManagedPolicy.fromManagedPolicyArn(this, 'Boundary', permissionsBoundary));
    }
  }
}

function consoleUrl(service: string, place: string): string {
  return `https://${Aws.REGION}.console.aws.amazon.com/${service}/home?region=${Aws.REGION}#${place}`;
}
