/** The CDK app: a deployment file in, one stack out. Needs neither network nor credentials. */
import { App } from 'aws-cdk-lib';
import { DqsyncError, describeError } from '../functions/errors.ts';
import { fileKey, readDeploymentFile } from './deployment-file.ts';
import { DqsyncStack } from './stack.ts';

const app = new App({ analyticsReporting: false });
const path = String(app.node.tryGetContext(fileKey));
try {
  const deployment = readDeploymentFile(path);
  new DqsyncStack(app, deployment.stackName, {
    deployment,
    description: 'dqsync: results of DataArts quality tasks as a Parquet table',
  });
  app.synth();
} catch (thrown) {
  // A wrong config is reported in one sentence, without a stack trace.
  if (!(thrown instanceof DqsyncError)) {
    throw thrown;
  }
  console.error(`${path}: ${describeError(thrown)}`);
  process.exitCode = 1;
}
