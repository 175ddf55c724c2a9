/** The secrets with the credentials for DataArts. */
import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Deployment } from './deployment.ts';
import { allow, arnWithColon } from './permissions.ts';

const referencePrefix = 'secretsmanager:';

/** Every secret that a target names: created without a value, or an existing one. An ARN names an existing one. */
export class CredentialSecrets extends Construct {
  /** Names of the created secrets, whose values must be set by hand. */
  readonly created: readonly string[];
  readonly #arns: readonly string[];

  constructor(scope: Construct, id: string, { config, existingSecrets }: Deployment) {
    super(scope, id);
    const references = new Set(config.targets.map(({ credentials }) => credentials));
    const names = [...references].map((reference) => reference.slice(referencePrefix.length));
    this.created = names.filter((name) => !name.startsWith('arn:') && !existingSecrets.includes(name));
    this.#arns = names.flatMap((name) =>
      this.created.includes(name) ? this.#newSecret(name) : this.#existingArns(name),
    );
  }

  /** Grants reading the values, and nothing else. */
  grantRead(grantee: IGrantable): void {
    allow(grantee, 'ReadCredentials', ['secretsmanager:GetSecretValue'], this.#arns);
  }

  #newSecret(name: string): string {
    // The L1 construct: the L2 would fill in a random password, which looks like a valid value.
    const secret = new CfnSecret(this, name, {
      name,
      description:
        'Credentials for Huawei Cloud DataArts, read by dqsync. One JSON object; its three forms are in the README.',
    });
    // Retained, so that no credential is lost with the stack; but not if its first creation fails.
    secret.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'The value is a credential of another cloud, which Secrets Manager cannot rotate. It is rotated by hand, and a run reads it again when the source refuses the old one.',
    });
    return secret.ref;
  }

  /**
   * Returns the ARNs that an existing secret may have.
   *
   * Secrets Manager appends a hyphen and six characters to the name. An ARN that ends like that may be complete, or it
   * may be the partial ARN of a secret with such a name (`…:secret:dq-eu1234`). So it is granted with and without a
   * suffix. Both match only this secret.
   */
  #existingArns(name: string): string[] {
    if (name.startsWith('arn:')) {
      const mayBeFull = /-[A-Za-z0-9]{6}$/.test(name);
      return [...(mayBeFull ? [name] : []), `${name}-??????`];
    }
    return [arnWithColon(this, 'secretsmanager', 'secret', `${name}-??????`)];
  }
}
