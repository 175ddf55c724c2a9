/** The CDK app: `cdk.json` in, one stack out. Needs neither network nor credentials. */
import { App } from 'aws-cdk-lib';
import { DqsyncError, describeError } from '../functions/errors.ts';
import { contextKey, parseDeployment } from './deployment.ts';
import { DqsyncStack } from './stack.ts';

try {
  const app = new App({ analyticsReporting: false });
  const deployment = parseDeployment(app.node.tryGetContext(contextKey));
  new DqsyncStack(app, deployment.stackName, {
    deployment,
    description: 'dqsync: results of DataArts quality tasks as a Parquet table',
  });
  app.synth();
} catch (thrown) {
  // A wrong config is told in a sentence, without the stack trace of a defect.
  if (!(thrown instanceof DqsyncError)) {
    throw thrown;
  }
  console.error(describeError(thrown));
  process.exitCode = 1;
}
