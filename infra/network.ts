/** How the functions reach the internet: subnets of the account, a proxy, and certificate authorities of its own. */
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { bundleOptions } from '../functions/lambda/bundle-options.ts';
import type { DeploymentSettings } from './deployment.ts';

/** Settings of `deployment.network`. */
type NetworkSettings = DeploymentSettings['network'];

const caName = 'ca.pem';

/** Returns the variables that the functions' clients and Node read (functions/network/proxy.ts). */
export function networkVariables({ httpsProxy, noProxy, caFile }: NetworkSettings): Record<string, string> {
  return {
    ...(httpsProxy === undefined ? {} : { HTTPS_PROXY: httpsProxy }),
    ...(noProxy === undefined ? {} : { NO_PROXY: noProxy }),
    // The folder into which Lambda unpacks the code.
    ...(caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: `/var/task/${caName}` }),
  };
}

/**
 * Returns how to bundle the functions, without Docker: with the file of certificates, readable for Lambda's own user.
 */
export function bundlingWith({ caFile }: NetworkSettings): BundlingOptions {
  const { target, mainFields, minify, keepNames, external, alias, banner } = bundleOptions;
  return {
    ...{ target, mainFields, minify, keepNames, format: OutputFormat.ESM, logLevel: LogLevel.ERROR },
    ...{ bundleAwsSDK: true, externalModules: external, banner: banner.js },
    esbuildArgs: Object.fromEntries(Object.entries(alias).map(([name, file]) => [`--alias:${name}`, file])),
    commandHooks: {
      beforeBundling: () => [],
      beforeInstall: () => [],
      afterBundling: (_, output) =>
        caFile === undefined ? [] : [`install -m 644 '${caFile.replaceAll("'", "'\\''")}' '${output}/${caName}'`],
    },
  };
}

/** Puts the file of certificates beside code that is built without NodejsFunction. */
export function copyCertificates({ caFile }: NetworkSettings, folder: string): void {
  if (caFile !== undefined) {
    copyFileSync(caFile, join(folder, caName));
    chmodSync(join(folder, caName), 0o644);
  }
}

/** Puts a function into the subnets, if any are named, and lets Lambda connect it to them. */
export function joinSubnets(lambda: CfnFunction, role: Role, { subnetIds, securityGroupIds }: NetworkSettings): void {
  if (subnetIds.length === 0) {
    return;
  }
  lambda.vpcConfig = { subnetIds: [...subnetIds], securityGroupIds: [...securityGroupIds] };
  const added = role.addToPrincipalPolicy(
    new PolicyStatement({
      sid: 'JoinSubnets',
      actions: [
        ...['ec2:CreateNetworkInterface', 'ec2:DescribeNetworkInterfaces', 'ec2:DeleteNetworkInterface'],
        ...['ec2:DescribeSubnets', 'ec2:AssignPrivateIpAddresses', 'ec2:UnassignPrivateIpAddresses'],
      ],
      resources: ['*'],
    }),
  );
  // Lambda uses these permissions while the function is created.
  if (added.policyDependable !== undefined) {
    lambda.node.addDependency(added.policyDependable);
  }
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'Lambda makes the network interfaces itself, and IAM cannot restrict describing them to a resource.',
  });
}
