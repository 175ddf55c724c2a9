/** A Lambda function that runs dqsync: the common part of the scheduled function and the backfill's. */
import { join } from 'node:path';
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  CfnFunction,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ConfigError } from '../functions/errors.ts';
import { bundleHandler } from '../functions/lambda/bundle-options.ts';
import { configVariable, namespaceVariable } from '../functions/lambda/environment.ts';
import type { WarehouseBucket, WarehouseParts } from './bucket.ts';
import type { Deployment } from './deployment.ts';
import { grantBucketKey, grantSecretKeys } from './keys.ts';
import { codeOf, joinSubnets, networkVariables } from './network.ts';
import { allow } from './permissions.ts';
import type { CredentialSecrets } from './secrets.ts';

const sources = join(import.meta.dirname, '../functions/lambda');

/** Time after `maxRunSeconds` for a run to end and report. Only a run that hangs reaches the timeout. */
const timeoutMarginSeconds = 60;
/**
 * All environment variables together must stay below Lambda's 4 KB. The rest is for `NODE_OPTIONS` and the bucket's
 * name.
 */
const maxConfigBytes = 3600;

/** The parts that these functions share. */
export interface RunFunctionParts extends WarehouseParts {
  readonly secrets: CredentialSecrets;
}

/** Properties of `RunFunction`. */
interface RunFunctionProps extends RunFunctionParts {
  readonly description: string;
  /** Null to reserve none. */
  readonly reservedConcurrency: number | null;
  /** CloudWatch namespace of its metrics. */
  readonly namespace: string;
}

/** The function with its role and log. All such functions have the same code, configuration and permissions. */
export class RunFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: RunFunctionProps) {
    super(scope, id);
    const { deployment, reservedConcurrency } = props;
    const logging = loggingOf(this, deployment);
    props.secrets.grantRead(logging.role);
    props.warehouse.grantSync(logging.role);
    grantSecretKeys(logging.role, deployment);
    grantBucketKey(logging.role, deployment);
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: codeOf(sources, deployment.network, bundleHandler),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: deployment.memoryMb,
      timeout: Duration.seconds(timeoutSeconds(deployment)),
      ...(reservedConcurrency === null ? {} : { reservedConcurrentExecutions: reservedConcurrency }),
      ...logging,
      environment: {
        ...configEnvironment(this, deployment, props.warehouse),
        [namespaceVariable]: props.namespace,
        // parquetjs-lite's Thrift code calls `new Buffer`, and Node warns about that outside of node_modules.
        // A young generation of V8 that is smaller than its default saves 50 to 160 MB while a large day is compacted.
        NODE_OPTIONS: '--disable-warning=DEP0005 --max-semi-space-size=8',
      },
    });
    // CDK declares the dependency on the role twice, which cfn-lint reports as redundant.
    if (this.function.node.defaultChild instanceof CfnFunction) {
      joinSubnets(this.function.node.defaultChild, logging.role, deployment.network);
      this.function.node.defaultChild.addMetadata('cfn-lint', { config: { ignore_checks: ['W3005'] } });
    }
  }
}

/** The log of a function, and its role, which may write to that log and nothing else yet. */
export function loggingOf(scope: Construct, { logRetentionDays }: Deployment) {
  const logGroup = new LogGroup(scope, 'Logs', {
    retention: logRetentionDays satisfies RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  // By hand, because AWS's managed policy for Lambda may write to every log group.
  allow(role, 'WriteLogs', ['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]);
  return {
    role,
    logGroup,
    loggingFormat: LoggingFormat.JSON,
    applicationLogLevelV2: ApplicationLogLevel.INFO,
    systemLogLevelV2: SystemLogLevel.INFO,
  };
}

/**
 * The environment variables with the configuration and the way to the network.
 *
 * @throws ConfigError if Lambda has no room for it
 */
export function configEnvironment(
  scope: Construct,
  { writtenConfig, network }: Deployment,
  warehouse: WarehouseBucket,
): Record<string, string> {
  const ofNetwork = networkVariables(network);
  const roomBytes = maxConfigBytes - Object.entries(ofNetwork).flat().join('').length;
  const sizeBytes = Buffer.byteLength(JSON.stringify(writtenConfig));
  if (sizeBytes > roomBytes) {
    throw new ConfigError(
      `"config" is ${sizeBytes} bytes of JSON, but the environment of a Lambda function has room for ${roomBytes}`,
      {
        remedy: 'Split the targets over two stacks with different stackNames.',
        code: 'config.targets',
      },
    );
  }
  const config = { ...writtenConfig, warehouse: warehouse.url };
  return { [configVariable]: Stack.of(scope).toJsonString(config), ...ofNetwork };
}

/** Returns the timeout of the function in seconds. */
export function timeoutSeconds({ config }: Deployment): number {
  return Math.ceil(config.maxRunSeconds) + timeoutMarginSeconds;
}
