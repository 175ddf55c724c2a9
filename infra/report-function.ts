/** The function that publishes the report, if `deployment.report` asks for it. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage, Duration, Size } from 'aws-cdk-lib';
import { Architecture, CfnFunction, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { ConfigError } from '../functions/errors.ts';
import type { WarehouseBucket } from './bucket.ts';
import { reportMemoryMb } from './cost.ts';
import type { Deployment } from './deployment.ts';
import type { CustomerKeys } from './keys.ts';
import { copyCertificates, joinSubnets } from './network.ts';
import { configEnvironment, loggingOf } from './run-function.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'functions/lambda/report');

/** For copies of the data files that the page needs, two months of them, and for what DuckDB spills. */
const diskMb = 4096;
/** A page of 100,000 executions in 1,464 files took 9 to 15 s on two busy processors. */
const timeoutMinutes = 10;

/** Properties of `ReportFunction`. */
export interface ReportFunctionProps {
  readonly deployment: Deployment;
  readonly warehouse: WarehouseBucket;
  readonly keys: CustomerKeys;
}

/** The function with its role and log. It reads data and state, and writes one object. It has no secrets. */
export class ReportFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, { deployment, warehouse, keys }: ReportFunctionProps) {
    super(scope, id);
    const logging = loggingOf(this, deployment);
    warehouse.grantReport(logging.role);
    keys.grantObjects(logging.role);
    const architecture = installedArchitecture();
    this.function = new LambdaFunction(this, 'Function', {
      description: 'dqsync: publishes the report of the last 30 days',
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture,
      memorySize: reportMemoryMb,
      ephemeralStorageSize: Size.mebibytes(diskMb),
      timeout: Duration.minutes(timeoutMinutes),
      ...logging,
      environment: configEnvironment(this, deployment, warehouse),
      code: Code.fromAsset(folder, {
        assetHashType: AssetHashType.OUTPUT,
        bundling: {
          // Not used: the code is built here, without Docker.
          image: DockerImage.fromRegistry('none'),
          local: {
            tryBundle: (output) => {
              build(output, architecture);
              copyCertificates(deployment.network, output);
              return true;
            },
          },
        },
      }),
    });
    if (this.function.node.defaultChild instanceof CfnFunction) {
      joinSubnets(this.function.node.defaultChild, logging.role, deployment.network);
    }
    // The next hour's page makes up for a failed one.
    this.function.configureAsyncInvoke({ retryAttempts: 1 });
  }
}

/** The processors for which npm names DuckDB's library, the cheaper one first. */
const processors = [
  [Architecture.ARM_64, 'arm64'],
  [Architecture.X86_64, 'x64'],
] as const;

function libraryOf(processor: string): string {
  return `@duckdb/node-bindings-linux-${processor}`;
}

/** The architecture whose library of DuckDB is installed. On Linux, npm installs that of this machine. */
function installedArchitecture(): Architecture {
  const installed = processors.find(([, processor]) => existsSync(join(root, 'node_modules', libraryOf(processor))));
  return installed?.[0] ?? Architecture.ARM_64;
}

function build(output: string, architecture: Architecture): void {
  const processor = processors.find(([one]) => one === architecture)?.[1] ?? '';
  if (!existsSync(join(root, 'node_modules', libraryOf(processor)))) {
    throw new ConfigError(`"deployment.report" needs the package ${libraryOf(processor)}, which is not installed`, {
      remedy: `Run "npm install --no-save --force ${libraryOf(processor)}" with the version of @duckdb/node-api in package.json.`,
      code: 'deployment.report',
    });
  }
  execFileSync(process.execPath, [join(folder, 'build.ts'), output, processor], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
