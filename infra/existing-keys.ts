/** KMS keys that somebody else made, for secrets and a bucket that are encrypted by them. */
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Deployment } from './deployment.ts';

/** The keys, and what may be done with them. The keys' own policies must allow the account the same. */
export class ExistingKeys {
  readonly #arns: readonly string[];
  readonly #writes: boolean;

  /** Objects are written by them only in a bucket that exists: a new one is encrypted by S3's own key. */
  constructor({ existingKeys, warehouse }: Pick<Deployment, 'existingKeys' | 'warehouse'>) {
    this.#arns = existingKeys;
    this.#writes = warehouse.isExisting;
  }

  /** Allows reading what is encrypted by these keys, and writing where the bucket is an existing one. */
  grantUse(grantee: IGrantable): void {
    if (this.#arns.length === 0) {
      return;
    }
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        sid: 'UseKeys',
        actions: ['kms:Decrypt', ...(this.#writes ? ['kms:GenerateDataKey'] : [])],
        resources: [...this.#arns],
      }),
    );
  }
}
