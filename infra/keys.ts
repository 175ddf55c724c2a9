/** The customer's KMS keys, which encrypt the secrets and the bucket's objects. */
import type { IGrantable, PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import type { Deployment } from './deployment.ts';
import { allow } from './permissions.ts';

/** Existing keys. Their own policies must grant the account the same permissions. */
export class CustomerKeys {
  readonly #ofSecrets: readonly string[];
  readonly #ofBucket: string | undefined;

  constructor({ existingKeys, bucketKey }: Pick<Deployment, 'existingKeys' | 'bucketKey'>) {
    this.#ofSecrets = existingKeys;
    this.#ofBucket = bucketKey;
  }

  /** Grants reading the secrets, and reading and writing the bucket's objects. */
  grantUse(grantee: IGrantable): void {
    if (this.#ofSecrets.length > 0) {
      allow(grantee, 'ReadEncryptedSecrets', ['kms:Decrypt'], this.#ofSecrets, onlyVia('secretsmanager'));
    }
    this.grantObjects(grantee);
  }

  /** Grants reading and writing the bucket's objects only. S3 requests a data key for each object that is written. */
  grantObjects(grantee: IGrantable): void {
    if (this.#ofBucket !== undefined) {
      const actions = ['kms:Decrypt', 'kms:GenerateDataKey'];
      allow(grantee, 'UseEncryptedObjects', actions, [this.#ofBucket], onlyVia('s3'));
    }
  }
}

/** The condition that a service uses the key for the caller, in any region: secrets may be in another one. */
function onlyVia(service: string): PolicyStatementProps['conditions'] {
  return { StringLike: { 'kms:ViaService': `${service}.*` } };
}
