/** How the function becomes one file. */
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';

/**
 * One ES module, made by the esbuild of this repository, without Docker.
 *
 * The AWS SDK is bundled: its version is then ours, and loads faster than the runtime's. `fs-native-extensions` is native,
 * and only a `file:` warehouse needs it. CommonJS packages in an ES module need a `require`.
 */
export const bundlingOptions: BundlingOptions = {
  format: OutputFormat.ESM,
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  // The name of an error is what Lambda tells its caller, a state machine for example.
  keepNames: true,
  bundleAwsSDK: true,
  externalModules: ['fs-native-extensions'],
  banner: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
  logLevel: LogLevel.ERROR,
};
