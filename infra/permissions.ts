/** Grants permissions, and names resources. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement, type PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** Allows some actions on some resources. */
export function allow(
  grantee: IGrantable,
  sid: string,
  actions: string[],
  resources: readonly string[],
  conditions: PolicyStatementProps['conditions'] = {},
): void {
  const statement = new PolicyStatement({ sid, actions, resources: [...resources], conditions });
  grantee.grantPrincipal.addToPrincipalPolicy(statement);
}

/** Returns the ARN of a resource in the stack's account and region: `<service>:…:<resource>/<name>`. */
export function arnOf(scope: Construct, service: string, resource: string, resourceName: string): string {
  return Stack.of(scope).formatArn({ service, resource, resourceName });
}

/** Returns the same for a service that writes `<resource>:<name>`. */
export function arnWithColon(scope: Construct, service: string, resource: string, resourceName: string): string {
  return Stack.of(scope).formatArn({ service, resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
}
