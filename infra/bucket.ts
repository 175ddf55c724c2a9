/** The bucket the warehouse lies in. */
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, type ManagedPolicy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { dataPrefix, quarantinePrefix, statePrefix } from '../functions/warehouse/layout.ts';
import type { Deployment } from './deployment.ts';

/** Where Athena puts results, below the warehouse's prefix. */
const resultsPrefix = 'athena-results/';

/** How to make a `WarehouseBucket`. */
export interface WarehouseBucketProps {
  readonly warehouse: Deployment['warehouse'];
  /** ARN of the customer's key for the objects; undefined for S3's own. */
  readonly bucketKey: string | undefined;
}

/** A new bucket, retained when the stack goes, or one that exists, left as it is. */
export class WarehouseBucket extends Construct {
  readonly bucket: Bucket | IBucket;
  /** Empty, or ending in `/`. */
  readonly prefix: string;

  constructor(scope: Construct, id: string, { warehouse, bucketKey }: WarehouseBucketProps) {
    super(scope, id);
    this.prefix = warehouse.prefix;
    this.bucket =
      warehouse.isExisting && warehouse.bucketName !== undefined
        ? Bucket.fromBucketName(this, 'Existing', warehouse.bucketName)
        : this.#newBucket(warehouse.bucketName, bucketKey);
  }

  /** The warehouse as functions/config.ts spells it. */
  get url(): string {
    return `s3://${this.bucket.bucketName}/${this.prefix}`.replace(/\/$/, '');
  }

  /** Where the table's files lie; ends in `/`. */
  get tableUrl(): string {
    return `s3://${this.bucket.bucketName}/${this.prefix}${dataPrefix}`;
  }

  /** Where query results go; ends in `/`. */
  get resultsUrl(): string {
    return `s3://${this.bucket.bucketName}/${this.prefix}${resultsPrefix}`;
  }

  /**
   * Allows what a run does: get and put under the three prefixes of functions/warehouse/layout.ts, nothing else, and never
   * delete (PROTOCOL.md, I9).
   */
  grantSync(role: Role): void {
    const prefixes = [dataPrefix, quarantinePrefix, statePrefix].map((prefix) => `${this.prefix}${prefix}*`);
    role.addToPolicy(
      new PolicyStatement({
        sid: 'ReadAndWriteWarehouse',
        actions: ['s3:GetObject', 's3:PutObject'],
        resources: prefixes.map((prefix) => this.bucket.arnForObjects(prefix)),
      }),
    );
    // Without it S3 answers 403 for a key that is not there yet, and no run could tell a first run from a refused one. A
    // condition on s3:prefix would spoil that: a GetObject has no such key to be judged by.
    role.addToPolicy(
      new PolicyStatement({
        sid: 'TellMissingFromRefused',
        actions: ['s3:ListBucket'],
        resources: [this.bucket.bucketArn],
      }),
    );
    this.#acknowledgePrefixes(role, prefixes);
  }

  /** Allows what a query does: reads data, writes and reads results, lists both. Never writes data. */
  grantQueries(policy: ManagedPolicy): void {
    const [data, results] = [`${this.prefix}${dataPrefix}*`, `${this.prefix}${resultsPrefix}*`];
    policy.addStatements(
      new PolicyStatement({ sid: 'ReadData', actions: ['s3:GetObject'], resources: [this.bucket.arnForObjects(data)] }),
      new PolicyStatement({
        sid: 'KeepResults',
        actions: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
        resources: [this.bucket.arnForObjects(results)],
      }),
      new PolicyStatement({
        sid: 'ListDataAndResults',
        actions: ['s3:ListBucket'],
        resources: [this.bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': [data, results] } },
      }),
      new PolicyStatement({
        sid: 'FindBucket',
        actions: ['s3:GetBucketLocation'],
        resources: [this.bucket.bucketArn],
      }),
    );
    this.#acknowledgePrefixes(policy, [data, results]);
  }

  #acknowledgePrefixes(owner: Construct, prefixes: readonly string[]): void {
    for (const prefix of prefixes) {
      Validations.of(owner).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${this.#arnInFindings}/${prefix}]`,
        reason:
          'Object keys hold days and run ids, which nobody knows beforehand; the prefix is the narrowest there is.',
      });
    }
  }

  /** How cdk-nag spells the bucket's ARN. */
  get #arnInFindings(): string {
    const resource = this.bucket.node.defaultChild;
    return resource instanceof CfnBucket
      ? `<${Stack.of(this).getLogicalId(resource)}.Arn>`
      : `arn:<AWS::Partition>:s3:::${this.bucket.bucketName}`;
  }

  /**
   * Lets nobody overwrite a data file: a put there must say that the key is to be new. Parts of a multipart upload carry no
   * such header; its completion does ("Enforce conditional writes on Amazon S3 buckets").
   */
  #denyOverwriting(bucket: Bucket): void {
    bucket.addToResourcePolicy(
      new PolicyStatement({
        sid: 'WriteDataOnce',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects(`${this.prefix}${dataPrefix}*`)],
        conditions: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
      }),
    );
  }

  #newBucket(bucketName: string | undefined, bucketKey: string | undefined): Bucket {
    const bucket = new Bucket(this, 'Bucket', {
      ...(bucketName === undefined ? {} : { bucketName }),
      ...(bucketKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : {
            encryption: BucketEncryption.KMS,
            encryptionKey: Key.fromKeyArn(this, 'Key', bucketKey),
            // One request to KMS for many objects.
            bucketKeyEnabled: true,
          }),
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      versioned: true,
      // Retained when the stack is deleted; not when its very first creation fails, so that it can be tried again.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      lifecycleRules: [
        {
          id: 'old-versions',
          noncurrentVersionExpiration: Duration.days(30),
          abortIncompleteMultipartUploadAfter: Duration.days(7),
        },
        { id: 'query-results', prefix: `${this.prefix}${resultsPrefix}`, expiration: Duration.days(30) },
      ],
    });
    this.#denyOverwriting(bucket);
    // What keeps the retained bucket to TLS and write-once stays with it.
    bucket.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Access logs would be a second bucket to keep for years. Who reads objects is a question for CloudTrail data events, which accounts that ask it have switched on for all buckets.',
    });
    return bucket;
  }
}
