/**
 * Permissions for the customer's KMS keys, which encrypt the secrets and the bucket's objects. The keys exist, and their
 * own policies must grant the account the same.
 */
import type { IGrantable, PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import type { Deployment } from './deployment.ts';
import { allow } from './permissions.ts';

/** Grants reading encrypted secrets. */
export function grantSecretKeys(grantee: IGrantable, { existingKeys }: Pick<Deployment, 'existingKeys'>): void {
  if (existingKeys.length > 0) {
    allow(grantee, 'ReadEncryptedSecrets', ['kms:Decrypt'], existingKeys, onlyVia('secretsmanager'));
  }
}

/** Grants reading and writing encrypted objects. S3 requests a data key for each object that is written. */
export function grantBucketKey(grantee: IGrantable, { bucketKey }: Pick<Deployment, 'bucketKey'>): void {
  if (bucketKey !== undefined) {
    allow(grantee, 'UseEncryptedObjects', ['kms:Decrypt', 'kms:GenerateDataKey'], [bucketKey], onlyVia('s3'));
  }
}

/** The condition that a service uses the key for the caller, in any region: secrets may be in another one. */
function onlyVia(service: string): PolicyStatementProps['conditions'] {
  return { StringLike: { 'kms:ViaService': `${service}.*` } };
}
