/** Grants permissions. */
import { type IGrantable, PolicyStatement, type PolicyStatementProps } from 'aws-cdk-lib/aws-iam';

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
