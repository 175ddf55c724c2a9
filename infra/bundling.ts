/** How the Lambda function is bundled. */
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';

/**
 * One ES module, built by the esbuild of this repository without Docker.
 *
 * The AWS SDK is bundled, so that its version is ours; it also loads faster than the runtime's. `fs-native-extensions`
 * is native, and only a `file:` warehouse needs it. CommonJS packages in an ES module need a `require`.
 */
export const bundlingOptions: BundlingOptions = {
  format: OutputFormat.ESM,
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  // Lambda reports the name of an error to its caller, for example a state machine.
  keepNames: true,
  bundleAwsSDK: true,
  externalModules: ['fs-native-extensions'],
  banner: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
  logLevel: LogLevel.ERROR,
};
