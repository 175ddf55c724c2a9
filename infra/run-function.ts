/** A Lambda function that runs dqsync: what the scheduled one and the backfill's have in common. */
import { join } from 'node:path';
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  CfnFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ConfigError } from '../functions/errors.ts';
import { configVariable, namespaceVariable } from '../functions/lambda/environment.ts';
import type { WarehouseBucket } from './bucket.ts';
import { bundlingOptions } from './bundling.ts';
import type { Deployment } from './deployment.ts';
import type { CustomerKeys } from './keys.ts';
import type { CredentialSecrets } from './secrets.ts';

const root = join(import.meta.dirname, '..');

/** What a run needs after `maxRunSeconds` to end and to say so; only something that hangs comes to the timeout. */
const timeoutMarginSeconds = 60;
/** All variables together must stay below Lambda's 4 KB; the rest is for `NODE_OPTIONS` and the bucket's name. */
const maxConfigBytes = 3600;

/** What every such function works with. */
export interface RunFunctionParts {
  readonly deployment: Deployment;
  readonly warehouse: WarehouseBucket;
  readonly secrets: CredentialSecrets;
  readonly keys: CustomerKeys;
}

/** How to make a `RunFunction`. */
export interface RunFunctionProps extends RunFunctionParts {
  readonly description: string;
  /** Null: none is reserved. */
  readonly reservedConcurrency: number | null;
  /** CloudWatch namespace of the metrics it emits. */
  readonly namespace: string;
}

/** The function with its role and log. All of them have the same code, configuration and rights. */
export class RunFunction extends Construct {
  readonly function: NodejsFunction;

  constructor(scope: Construct, id: string, props: RunFunctionProps) {
    super(scope, id);
    const { deployment, reservedConcurrency } = props;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: deployment.logRetentionDays satisfies RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.function = new NodejsFunction(this, 'Function', {
      description: props.description,
      entry: join(root, 'functions/lambda/handler.ts'),
      projectRoot: root,
      depsLockFilePath: join(root, 'package-lock.json'),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: deployment.memoryMb,
      timeout: Duration.seconds(timeoutSeconds(deployment)),
      ...(reservedConcurrency === null ? {} : { reservedConcurrentExecutions: reservedConcurrency }),
      role: this.#role(props, logGroup),
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      systemLogLevelV2: SystemLogLevel.INFO,
      environment: this.#environment(props),
      bundling: bundlingOptions,
    });
    // CDK lets a function depend on its role twice over, which cfn-lint finds superfluous.
    if (this.function.node.defaultChild instanceof CfnFunction) {
      this.function.node.defaultChild.addMetadata('cfn-lint', { config: { ignore_checks: ['W3005'] } });
    }
  }

  #environment({ deployment, warehouse, namespace }: RunFunctionProps): Record<string, string> {
    const config = { ...deployment.writtenConfig, warehouse: warehouse.url };
    const sizeBytes = Buffer.byteLength(JSON.stringify(deployment.writtenConfig));
    if (sizeBytes > maxConfigBytes) {
      throw new ConfigError(
        `"config" is ${sizeBytes} bytes of JSON, and a Lambda function's environment takes ${maxConfigBytes} of it`,
        {
          remedy: 'Split the targets over two stacks, each with a stackName of its own.',
          code: 'config.targets',
        },
      );
    }
    return {
      [configVariable]: Stack.of(this).toJsonString(config),
      [namespaceVariable]: namespace,
      // parquetjs-lite's Thrift calls `new Buffer`, of which Node warns where it does not lie in node_modules.
      NODE_OPTIONS: '--disable-warning=DEP0005',
    };
  }

  /** Written by hand: AWS's managed policy for Lambda may write to every log group there is. */
  #role({ warehouse, secrets, keys }: RunFunctionProps, logGroup: LogGroup): Role {
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(
      new PolicyStatement({
        sid: 'WriteLogs',
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    secrets.grantRead(role);
    warehouse.grantSync(role);
    keys.grantUse(role);
    return role;
  }
}

/** After how long Lambda stops such a function. */
export function timeoutSeconds({ config }: Deployment): number {
  return Math.ceil(config.maxRunSeconds) + timeoutMarginSeconds;
}
