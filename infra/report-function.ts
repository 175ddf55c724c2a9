/** The function that publishes the report, if `deployment.report` asks for it. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Size } from 'aws-cdk-lib';
import { Architecture, CfnFunction, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { ConfigError } from '../functions/errors.ts';
import type { WarehouseParts } from './bucket.ts';
import { grantBucketKey } from './keys.ts';
import { codeOf, joinSubnets } from './network.ts';
import { configEnvironment, loggingOf } from './run-function.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'functions/lambda/report');

/** A page takes 550 MB, and DuckDB up to 1 GB before it spills to the disk. */
export const reportMemoryMb = 2048;
/** For copies of the data files that the page needs, two months of them, and for what DuckDB spills. */
const diskMb = 4096;
/** A page of 100,000 executions in 1,464 files took 9 to 15 s on two busy processors. */
const timeoutMinutes = 10;

const arm64 = { architecture: Architecture.ARM_64, processor: 'arm64' };
/** Where the function may run, the cheaper one first. On Linux, npm installs DuckDB's library for this machine. */
const platforms = [arm64, { architecture: Architecture.X86_64, processor: 'x64' }];

/** The function with its role and log. It reads data and state, and writes one object. It has no secrets. */
export class ReportFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, { deployment, warehouse }: WarehouseParts) {
    super(scope, id);
    const logging = loggingOf(this, deployment);
    warehouse.grantReport(logging.role);
    grantBucketKey(logging.role, deployment);
    const platform = platforms.find(({ processor }) => existsSync(libraryOf(processor))) ?? arm64;
    this.function = new LambdaFunction(this, 'Function', {
      description: 'dqsync: publishes the report of the last 30 days',
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: platform.architecture,
      memorySize: reportMemoryMb,
      ephemeralStorageSize: Size.mebibytes(diskMb),
      timeout: Duration.minutes(timeoutMinutes),
      ...logging,
      environment: configEnvironment(this, deployment, warehouse),
      code: codeOf(folder, deployment.network, (output) => build(output, platform)),
    });
    if (this.function.node.defaultChild instanceof CfnFunction) {
      joinSubnets(this.function.node.defaultChild, logging.role, deployment.network);
    }
    // The next hour's page makes up for a failed one.
    this.function.configureAsyncInvoke({ retryAttempts: 1 });
  }
}

/** Returns the folder of DuckDB's library for a processor, under npm's name for it. */
function libraryOf(processor: string): string {
  return join(root, 'node_modules/@duckdb', `node-bindings-linux-${processor}`);
}

function build(output: string, { processor }: (typeof platforms)[number]): void {
  if (!existsSync(libraryOf(processor))) {
    const library = `@duckdb/node-bindings-linux-${processor}`;
    throw new ConfigError(`"deployment.report" needs the package ${library}, which is not installed`, {
      remedy: `Run "npm install --no-save --force ${library}" with the version of @duckdb/node-api in package.json.`,
      code: 'deployment.report',
    });
  }
  execFileSync(process.execPath, [join(folder, 'build.ts'), output, processor], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
