/** How the functions reach the internet: subnets of the account, a proxy, and certificate authorities of its own. */
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage, Validations } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { type CfnFunction, Code } from 'aws-cdk-lib/aws-lambda';
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
 * Returns the code that `build` writes into a folder, without Docker, and beside it the file of certificates, readable
 * for Lambda's own user.
 *
 * @param sources the folder of its sources
 */
export function codeOf(sources: string, { caFile }: NetworkSettings, build: (output: string) => void): Code {
  const tryBundle = (output: string): boolean => {
    build(output);
    if (caFile !== undefined) {
      copyFileSync(caFile, join(output, caName));
      chmodSync(join(output, caName), 0o644);
    }
    return true;
  };
  // The image is not used.
  const bundling = { image: DockerImage.fromRegistry('none'), local: { tryBundle } };
  return Code.fromAsset(sources, { assetHashType: AssetHashType.OUTPUT, bundling });
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
