/** The whole deployment: only wires. What each part is for stands in its own file. */
import { Aws, CfnOutput, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import { AnalystPolicy } from './analyst-policy.ts';
import { QueryWorkgroup } from './athena.ts';
import { BackfillWorkflow } from './backfill-workflow.ts';
import { WarehouseBucket } from './bucket.ts';
import { Catalog } from './catalog.ts';
import { SyncDashboard } from './dashboard.ts';
import type { Deployment } from './deployment.ts';
import { CustomerKeys } from './keys.ts';
import { namespaceOf } from './run-metrics.ts';
import { SyncSchedule } from './schedule.ts';
import { CredentialSecrets } from './secrets.ts';
import { DeadLetters, SyncFunction } from './sync-function.ts';

/** How to make a `DqsyncStack`. */
export interface DqsyncStackProps extends StackProps {
  readonly deployment: Deployment;
}

/** Schedule → function → bucket, and a backfill's loop → its function → the same; table, view and questions on top; alarms and dashboard beside. */
export class DqsyncStack extends Stack {
  constructor(scope: Construct, id: string, { deployment, ...props }: DqsyncStackProps) {
    super(scope, id, { ...props, terminationProtection: deployment.terminationProtection });
    this.#applyToAll(deployment);
    const namespace = namespaceOf(deployment.stackName);
    const warehouse = new WarehouseBucket(this, 'Warehouse', deployment);
    const secrets = new CredentialSecrets(this, 'Secrets', {
      references: deployment.config.targets.map(({ credentials }) => credentials),
      existing: deployment.existingSecrets,
    });
    const parts = { deployment, warehouse, secrets, keys: new CustomerKeys(deployment) };
    const deadLetters = new DeadLetters(this, 'DeadLetters');
    const sync = new SyncFunction(this, 'Sync', { ...parts, deadLetters, namespace });
    new SyncSchedule(this, 'Schedule', { ...deployment, function: sync.function, deadLetters });
    const workgroup = deployment.catalog ? this.#catalog(deployment, warehouse) : undefined;
    if (workgroup !== undefined && deployment.analystPolicy) {
      const { database } = deployment;
      const of = { workgroupName: workgroup.name, database, warehouse, keys: parts.keys };
      this.#output('AnalystPolicyArn', new AnalystPolicy(this, 'Analysts', of).arn, 'To attach to roles of analysts');
    }
    const backfill = new BackfillWorkflow(this, 'Backfill', parts);
    const alarms = new Alarms(this, 'Alarms', { deployment, sync, backfill, deadLetters, namespace });
    new SyncDashboard(this, 'Dashboard', {
      ...{ deployment, sync, backfill, deadLetters, alarms, namespace },
      workgroupName: workgroup?.name,
    });
    this.#output(
      'DashboardUrl',
      this.#consoleUrl('cloudwatch', `dashboards/dashboard/${deployment.stackName}`),
      'Is it healthy and fresh?',
    );
    if (workgroup !== undefined) {
      this.#output('AthenaUrl', this.#consoleUrl('athena', `workgroups/details/${workgroup.name}`), 'To ask questions');
      this.#output('FirstDay', deployment.firstDay, 'Athena sees no day before: deployment.firstDay');
    }
    this.#output('WarehouseUrl', warehouse.url, 'Where the data lies: "warehouse" for the CLI');
    this.#output('FunctionName', sync.function.functionName, 'To invoke by hand');
    this.#output('BackfillStateMachineArn', backfill.stateMachineArn, 'To start a backfill with');
    this.#output('BackfillFunctionName', backfill.function.functionName, 'What a backfill invokes');
    this.#output('TargetNames', deployment.config.targets.map(({ name }) => name).join(','), 'What can be backfilled');
    this.#output('DeadLetterQueueUrl', deadLetters.queue.queueUrl, 'Runs that did not happen');
    this.#output('AlarmTopicArn', alarms.topic.topicArn, 'To subscribe to');
    if (secrets.created.length > 0) {
      this.#output('SecretsToFill', secrets.created.join(', '), 'Secrets of this stack: put their values in by hand');
    }
  }

  /** What an account asks of every stack: tags on all that takes them, a boundary on every role. */
  #applyToAll({ tags, permissionsBoundary }: Deployment): void {
    for (const [key, value] of Object.entries(tags)) {
      Tags.of(this).add(key, value);
    }
    if (permissionsBoundary !== undefined) {
      PermissionsBoundary.of(this).apply(ManagedPolicy.fromManagedPolicyArn(this, 'Boundary', permissionsBoundary));
    }
  }

  #consoleUrl(service: string, place: string): string {
    return `https://${Aws.REGION}.console.aws.amazon.com/${service}/home?region=${Aws.REGION}#${place}`;
  }

  #catalog(deployment: Deployment, warehouse: WarehouseBucket): QueryWorkgroup {
    const catalog = new Catalog(this, 'Catalog', { deployment, warehouse });
    return new QueryWorkgroup(this, 'Queries', {
      name: deployment.stackName,
      scanLimitGb: deployment.queryScanLimitGb,
      warehouse,
      bucketKey: deployment.bucketKey,
      catalog,
    });
  }

  #output(name: string, value: string, description: string): void {
    new CfnOutput(this, name, { value, description });
  }
}
