/** The KMS keys of the customer, by which the secrets and the bucket's objects are encrypted. */
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Deployment } from './deployment.ts';

/** Keys that somebody else made. The keys' own policies must allow the account the same. */
export class CustomerKeys {
  readonly #ofSecrets: readonly string[];
  readonly #ofBucket: string | undefined;

  constructor({ existingKeys, bucketKey }: Pick<Deployment, 'existingKeys' | 'bucketKey'>) {
    this.#ofSecrets = existingKeys;
    this.#ofBucket = bucketKey;
  }

  /** Allows reading the secrets, and reading and writing the bucket's objects. */
  grantUse(grantee: IGrantable): void {
    if (this.#ofSecrets.length > 0) {
      allow(grantee, 'ReadEncryptedSecrets', ['kms:Decrypt'], this.#ofSecrets);
    }
    this.grantObjects(grantee);
  }

  /** Allows reading and writing the bucket's objects only. S3 asks for a data key for each object that is written. */
  grantObjects(grantee: IGrantable): void {
    if (this.#ofBucket !== undefined) {
      allow(grantee, 'UseEncryptedObjects', ['kms:Decrypt', 'kms:GenerateDataKey'], [this.#ofBucket]);
    }
  }
}

function allow(grantee: IGrantable, sid: string, actions: string[], arns: readonly string[]): void {
  grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ sid, actions, resources: [...arns] }));
}
