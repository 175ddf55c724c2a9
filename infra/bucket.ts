/** The bucket of the warehouse. */
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, type ManagedPolicy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  CfnBucket,
  type IBucket,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { dataPrefixes, quarantinePrefix, replacedTag, reportKey, statePrefix } from '../functions/warehouse/layout.ts';
import type { Deployment } from './deployment.ts';
import { allow } from './permissions.ts';

/** Folder of Athena's results, below the warehouse's prefix. */
const resultsPrefix = 'athena-results/';
const resultsLifetime = Duration.days(30);

/** What everything that uses the warehouse is given. */
export interface WarehouseParts {
  readonly deployment: Deployment;
  readonly warehouse: WarehouseBucket;
}

/** A new bucket, which is retained when the stack is deleted, or an existing one, which is not changed. */
export class WarehouseBucket extends Construct {
  readonly bucket: Bucket | IBucket;
  /** Empty, or ending in `/`. */
  readonly prefix: string;
  /** Where Athena stores results: the new bucket; beside an existing one a bucket of its own, so that they expire. */
  readonly #results: Bucket | IBucket;

  constructor(scope: Construct, id: string, { warehouse, bucketKey, catalog }: Deployment) {
    super(scope, id);
    this.prefix = warehouse.prefix;
    if (warehouse.isExisting && warehouse.bucketName !== undefined) {
      this.bucket = Bucket.fromBucketName(this, 'Existing', warehouse.bucketName);
      this.#results = catalog ? this.#resultsBucket(bucketKey) : this.bucket;
    } else {
      this.bucket = this.#newBucket(warehouse.bucketName, bucketKey);
      this.#results = this.bucket;
    }
  }

  /** URL of the warehouse in the form of functions/config.ts. */
  get url(): string {
    return `s3://${this.bucket.bucketName}/${this.prefix}`.replace(/\/$/, '');
  }

  /** URL of a table's files; ends in `/`. */
  tableUrl(table: string): string {
    return `s3://${this.bucket.bucketName}/${this.prefix}${table}/`;
  }

  /** Patterns of the keys of all data files. */
  get #dataKeys(): string[] {
    return dataPrefixes.map((prefix) => `${this.prefix}${prefix}*`);
  }

  /** URL of query results; ends in `/`. */
  get resultsUrl(): string {
    return `s3://${this.#results.bucketName}/${this.#resultsKeys}`;
  }

  get #resultsKeys(): string {
    return this.#results === this.bucket ? `${this.prefix}${resultsPrefix}` : resultsPrefix;
  }

  /**
   * Grants what a run needs: get and put under the prefixes of functions/warehouse/layout.ts. Never delete
   * (PROTOCOL.md, I9).
   */
  grantSync(role: Role): void {
    const others = [quarantinePrefix, statePrefix].map((prefix) => `${this.prefix}${prefix}*`);
    const prefixes = [...this.#dataKeys, ...others];
    allow(role, 'ReadAndWriteWarehouse', ['s3:GetObject', 's3:PutObject'], this.#objects(prefixes));
    // Data is never deleted: a compaction only tags what it has replaced, and the bucket's lifecycle rule expires that.
    allow(role, 'TagReplacedData', ['s3:PutObjectTagging'], this.#objects(this.#dataKeys));
    this.#grantListing(role);
    acknowledgePrefixes(role, this.bucket, prefixes);
  }

  #objects(keys: readonly string[]): string[] {
    return keys.map((key) => this.bucket.arnForObjects(key));
  }

  #grantListing(role: Role): void {
    // Without this permission, S3 returns 403 for a missing key, and a run could not distinguish a first run from a
    // refused one. A condition on s3:prefix would prevent that, because a GetObject request has no such key.
    allow(role, 'TellMissingFromRefused', ['s3:ListBucket'], [this.bucket.bucketArn]);
  }

  /** Grants what the report needs: reads data and state, and writes the page. */
  grantReport(role: Role): void {
    const read = [...this.#dataKeys, `${this.prefix}${statePrefix}*`];
    allow(role, 'ReadDataAndState', ['s3:GetObject'], this.#objects(read));
    allow(role, 'WritePage', ['s3:PutObject'], this.#objects([`${this.prefix}${reportKey}`]));
    this.#grantListing(role);
    acknowledgePrefixes(role, this.bucket, read);
  }

  /** Grants what a query needs: to read data, to write and read results, and to list both. Grants no writes of data. */
  grantQueries(policy: ManagedPolicy): void {
    const data = this.#dataKeys;
    const results = `${this.#resultsKeys}*`;
    const buckets = [...new Set([this.bucket, this.#results])].map(({ bucketArn }) => bucketArn);
    allow(policy, 'ReadData', ['s3:GetObject'], this.#objects(data));
    const store = ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'];
    allow(policy, 'KeepResults', store, [this.#results.arnForObjects(results)]);
    const ofKeys = { StringLike: { 's3:prefix': [...data, results] } };
    allow(policy, 'ListDataAndResults', ['s3:ListBucket'], buckets, ofKeys);
    allow(policy, 'FindBucket', ['s3:GetBucketLocation', 's3:ListBucketMultipartUploads'], buckets);
    acknowledgePrefixes(policy, this.bucket, data);
    acknowledgePrefixes(policy, this.#results, [results]);
  }

  /**
   * Denies overwriting a data file: a put must require that the key is new. Parts of a multipart upload have no such
   * header, but its completion has ("Enforce conditional writes on Amazon S3 buckets").
   */
  #denyOverwriting(bucket: Bucket): void {
    bucket.addToResourcePolicy(
      new PolicyStatement({
        sid: 'WriteDataOnce',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['s3:PutObject'],
        resources: this.#dataKeys.map((keys) => bucket.arnForObjects(keys)),
        conditions: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
      }),
    );
  }

  #newBucket(bucketName: string | undefined, bucketKey: string | undefined): Bucket {
    const bucket = this.#ownBucket('Bucket', bucketKey, {
      ...(bucketName === undefined ? {} : { bucketName }),
      versioned: true,
      lifecycleRules: [
        {
          id: 'old-versions',
          noncurrentVersionExpiration: Duration.days(30),
          // What "replaced-data" expires leaves a delete marker, which has no tag, so that rule never removes it.
          expiredObjectDeleteMarker: true,
          abortIncompleteMultipartUploadAfter: Duration.days(7),
        },
        {
          id: 'replaced-data',
          ...(this.prefix === '' ? {} : { prefix: this.prefix }),
          tagFilters: { [replacedTag.key]: replacedTag.value },
          expiration: Duration.days(2),
        },
        { id: 'query-results', prefix: `${this.prefix}${resultsPrefix}`, expiration: resultsLifetime },
      ],
    });
    this.#denyOverwriting(bucket);
    return bucket;
  }

  #resultsBucket(bucketKey: string | undefined): Bucket {
    return this.#ownBucket('Results', bucketKey, {
      lifecycleRules: [
        {
          id: 'query-results',
          expiration: resultsLifetime,
          abortIncompleteMultipartUploadAfter: Duration.days(7),
        },
      ],
    });
  }

  /** Makes a private bucket, retained when the stack is deleted, but not if its first creation fails. */
  #ownBucket(id: string, bucketKey: string | undefined, props: BucketProps): Bucket {
    const bucket = new Bucket(this, id, {
      ...props,
      ...(bucketKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : {
            encryption: BucketEncryption.KMS,
            encryptionKey: Key.fromKeyArn(this, 'Key', bucketKey),
            // One request to KMS serves many objects.
            bucketKeyEnabled: true,
          }),
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    // The policy that enforces TLS and write-once stays with the retained bucket.
    bucket.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Access logs would need a second bucket for years. CloudTrail data events show who reads objects, and accounts that need this have enabled them for all buckets.',
    });
    return bucket;
  }
}

function acknowledgePrefixes(owner: Construct, bucket: Bucket | IBucket, prefixes: readonly string[]): void {
  for (const prefix of prefixes) {
    Validations.of(owner).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${arnInFindings(bucket)}/${prefix}]`,
      reason:
        'Object keys contain days and run ids, which are unknown in advance; the prefix is the narrowest possible.',
    });
  }
}

/** Returns a bucket's ARN as cdk-nag writes it. */
function arnInFindings(bucket: Bucket | IBucket): string {
  const resource = bucket.node.defaultChild;
  return resource instanceof CfnBucket
    ? `<${Stack.of(bucket).getLogicalId(resource)}.Arn>`
    : `arn:<AWS::Partition>:s3:::${bucket.bucketName}`;
}
