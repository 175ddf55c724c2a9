/** Failures of S3: what each code means for a write, and how to fix it. Pure. */
import { StorageError } from '../errors.ts';
import { isRegionMissing } from '../network/aws.ts';
import { describeFault, type Fault, faultRemedy, isPassingFault, proxyLoginRemedy } from '../network/faults.ts';
import { cleanText } from '../network/foreign-text.ts';
import { ProxyError } from '../network/tunnel.ts';

/**
 * The meaning of a failure.
 * - `doubtful`: the condition failed, S3 answered our own write twice (412), no reply arrived, or S3 is failing; the
 * write may have succeeded
 * - `conflict`: another write was in progress (409), and ours did not happen
 * - `absent`: the object does not exist
 * - `refused`: a retry does not help
 */
export type S3Failure = 'doubtful' | 'conflict' | 'absent' | 'refused';

/** The object or listing of a request, as the SDK names it; all of it may be shown. */
export interface S3Place {
  readonly Bucket: string;
  /** Key within the bucket, or the prefix of a listing. */
  readonly Key: string;
}

/** The failed request, and what is known about its network path. */
export interface S3Asked extends S3Place {
  /** The network's part in the failure; null if S3 replied or no request was sent. */
  readonly fault: Fault | null;
  /** Removes confidential parts of the request from S3's message. */
  readonly redact: (text: string) => string;
}

interface Explanation {
  readonly failure: S3Failure;
  readonly what: string;
  readonly remedy: string;
}

const credentialsRemedy =
  'Provide valid AWS credentials: sign in again ("aws sso login"), or check AWS_PROFILE and AWS_ACCESS_KEY_ID.';
const networkRemedy = 'Check the network and AWS_ENDPOINT_URL, and run again; nothing was lost.';
const laterRemedy = 'Run again later; nothing was lost.';

const accessDenied = refused(
  'access denied',
  'Allow s3:GetObject, s3:PutObject and, for compaction, s3:PutObjectTagging on the warehouse\'s objects and s3:ListBucket on its bucket (without the latter S3 answers "access denied" for a missing object), and the use of its KMS key if it has one. A bucket policy may also require encryption: set storage.encryption.',
);
const deniedByPolicy = refused(
  'access denied by a policy',
  'A policy denies it explicitly, which overrides any permission. If the bucket requires encryption, set storage.encryption, and storage.kmsKeyId for a key of your own; else ask the owner of the policy.',
);
const deniedKey = refused(
  'the KMS key may not be used',
  "Allow kms:GenerateDataKey and kms:Decrypt on that key, in the key's own policy as well.",
);
const wrongRegion = refused('the bucket is in another region', 'Set AWS_REGION to the region of the bucket.');

/**
 * Explanations by S3's code, the SDK's error name, or the status of a reply with another code or none. Codes of KMS are
 * without their prefix `KMS.`.
 */
const explanations: readonly (readonly [of: string, Explanation])[] = [
  ['PreconditionFailed', doubtful('S3 reported a conflict (412), but the object is unchanged', laterRemedy)],
  ['409', { failure: 'conflict', what: 'S3 reported a conflict (409)', remedy: laterRemedy }],
  ['RequestTimeout', doubtful('the request did not arrive in time', networkRemedy)],
  ['BadDigest XAmzContentSHA256Mismatch', doubtful('the data was corrupted in transit', networkRemedy)],
  ['TimeoutError', doubtful('S3 did not reply in time', networkRemedy)],
  ['AbortError', doubtful('the run reached its time limit before S3 replied', networkRemedy)],
  ['404', { failure: 'absent', what: 'the object does not exist', remedy: laterRemedy }],
  ['AccessDenied AllAccessDisabled 403', accessDenied],
  ['NoSuchBucket', refused('the bucket does not exist', 'Check the bucket in "warehouse", or create it.')],
  ['InvalidBucketName', refused('the name of the bucket is not valid', 'Check the bucket in "warehouse".')],
  [
    'PermanentRedirect TemporaryRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException 301 307',
    wrongRegion,
  ],
  [
    'InvalidAccessKeyId SignatureDoesNotMatch InvalidToken',
    refused('the access key or its secret is not valid', credentialsRemedy),
  ],
  [
    'ExpiredToken ExpiredTokenException TokenRefreshRequired',
    refused(
      'the AWS credentials have expired',
      'Temporary credentials: sign in again ("aws sso login"), or set new values for AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.',
    ),
  ],
  ['CredentialsProviderError TokenProviderError', refused('there are no AWS credentials', credentialsRemedy)],
  [
    'RequestTimeTooSkewed RequestExpired',
    refused("this machine's clock is wrong", 'Set the clock by network time (NTP).'),
  ],
  ['407', refused('the proxy refused the request', proxyLoginRemedy('HTTP_PROXY'))],
  [
    'QuotaExceeded XMinioAdminBucketQuotaExceeded XMinioStorageFull 507',
    refused('the bucket is full', 'Raise the quota of the bucket or of its store, or make room in it.'),
  ],
  [
    'InvalidObjectState',
    refused(
      'the object is archived',
      'Restore it ("aws s3api restore-object"), and keep rules that archive objects away from the warehouse: every run and query reads them.',
    ),
  ],
  [
    'UnsupportedOperation 405 501',
    refused(
      'the store does not know this kind of request',
      'If it is not AWS S3, set AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED. It must also honor If-Match and If-None-Match on PutObject: "dqsync doctor" tries it.',
    ),
  ],
  [
    'InvalidEncryptionAlgorithmError',
    refused('the store does not know this encryption', 'Set storage.encryption to one that it knows.'),
  ],
  [
    'DisabledException InvalidStateException KMSInvalidStateException',
    refused('the KMS key cannot be used', 'Enable the key, or cancel its deletion; then run again. Nothing was lost.'),
  ],
  [
    'NotFoundException',
    refused(
      'there is no such KMS key',
      'Check storage.kmsKeyId and the default encryption of the bucket: the key must be in the region of the bucket.',
    ),
  ],
  ['AccessDeniedException', deniedKey],
];

const byCode: ReadonlyMap<string, Explanation> = new Map(
  explanations.flatMap(([of, explanation]) => of.split(' ').map((code) => [code, explanation] as const)),
);

function refused(what: string, remedy: string): Explanation {
  return { failure: 'refused', what, remedy };
}

function doubtful(what: string, remedy: string): Explanation {
  return { failure: 'doubtful', what, remedy };
}

export function classifyS3Failure(thrown: unknown): S3Failure {
  return explain(thrown).failure;
}

/**
 * Returns the failure as a `StorageError`, with S3's code, its message, its request id and a remedy. Built from named
 * fields only: no request, no header, no credentials.
 *
 * @param doing what was tried
 */
export function toS3StorageError(thrown: unknown, doing: 'read' | 'write' | 'list', asked: S3Asked): StorageError {
  if (thrown instanceof StorageError) {
    return thrown;
  }
  const { Bucket: bucket, Key: key, fault, redact } = asked;
  const known = explain(thrown);
  const { what, remedy } =
    fault === null ? known : { what: describeFault(fault), remedy: remedyOfFault(fault, bucket) };
  const code = isRegionMissing(thrown) ? 'RegionMissing' : (fault?.code ?? codeOf(thrown) ?? nameOf(thrown));
  const said = saidBy(thrown, redact);
  return new StorageError(
    `cannot ${doing} s3://${bucket}/${key}: ${what}${said === null ? '' : ` (${code}: ${said})`}`,
    {
      remedy,
      code,
      requestId: plain(metadataOf(thrown).requestId),
      retryable: fault === null ? known.failure !== 'refused' : isPassingFault(fault),
    },
  );
}

function remedyOfFault(fault: Fault, bucket: string): string {
  if (fault.kind === 'timeout' || fault.kind === 'reset' || fault.kind === 'notHttp') {
    return networkRemedy;
  }
  const { host } = fault.route;
  const isOwnHost = host.startsWith(`${bucket}.`) && !/\.amazonaws\.com(\.cn)?$/.test(host);
  const hint = isOwnHost ? ' If the store has no host of its own for each bucket, set storage.pathStyle to true.' : '';
  return `${faultRemedy(fault, 'AWS_REGION and AWS_ENDPOINT_URL')}${hint}`;
}

/** Returns the error for an object whose body breaks off, or does not match its checksum, at every attempt. */
export function brokenBody({ Bucket: bucket, Key: key }: S3Place): StorageError {
  return new StorageError(`cannot read s3://${bucket}/${key}: the object did not arrive completely`, {
    remedy: networkRemedy,
    code: 'BrokenBody',
  });
}

/** Returns the error for a store that wrote although a condition failed. */
export function ignoredConditions(url: string): StorageError {
  return new StorageError(`${url} is not safe to use: it accepted a conditional write whose condition was false`, {
    remedy:
      'With this store, runs could undo each other. Use S3 itself, or an S3-compatible store that honors If-Match and If-None-Match on PutObject.',
    code: 'ConditionsIgnored',
  });
}

/**
 * Returns the explanation of a failure. Checks the code before the status, because S3 can report 412 in a reply of
 * status 200. A failure without a status came from the network.
 */
function explain(thrown: unknown): Explanation {
  const { httpStatusCode: status } = metadataOf(thrown);
  const known = byCode.get(nameOf(thrown).replace(/^KMS\./, '')) ?? byCode.get(String(status));
  if (known !== undefined) {
    return specific(known, thrown);
  }
  if (isRegionMissing(thrown)) {
    return refused('no AWS region is set', 'Set AWS_REGION to the region of the bucket.');
  }
  if (status !== undefined && (status >= 500 || status === 412 || status === 408 || status === 429)) {
    return doubtful(`S3 returned status ${status}`, laterRemedy);
  }
  // Errors of sockets, DNS and TLS have a code. A missing region, for example, has none.
  if (status === undefined && (codeOf(thrown) !== undefined || thrown instanceof ProxyError)) {
    return doubtful('S3 did not reply', networkRemedy);
  }
  const what = status === undefined ? 'the request could not be sent' : `S3 returned status ${status}`;
  return refused(what, 'Check "warehouse", AWS_REGION and the AWS credentials.');
}

/** Narrows an explanation by what S3 says beside its code. */
function specific(known: Explanation, thrown: unknown): Explanation {
  if (known === wrongRegion) {
    const region = regionOf(thrown);
    return region === undefined ? known : refused(`the bucket is in the region ${region}`, `Set AWS_REGION=${region}.`);
  }
  if (known !== accessDenied || !(thrown instanceof Error)) {
    return known;
  }
  // The texts are those of IAM: "… is not authorized to perform: kms:GenerateDataKey on resource: …", "… with an
  // explicit deny".
  if (/\bkms:|\bKMS key\b/.test(thrown.message)) {
    return deniedKey;
  }
  return /explicit deny/i.test(thrown.message) ? deniedByPolicy : known;
}

/** Returns the bucket's region, from a header, or from the body if a signature was made for another region. */
function regionOf(thrown: unknown): string | undefined {
  const { $response, Region: inBody } = Object(thrown);
  const told: unknown = Object(Object($response).headers)['x-amz-bucket-region'] ?? inBody;
  return typeof told === 'string' && /^[a-z0-9-]{1,40}$/.test(told) ? told : undefined;
}

/** Returns S3's own message; null if there is only a code. */
function saidBy(thrown: unknown, redact: (text: string) => string): string | null {
  if (!(thrown instanceof Error) || !('$fault' in thrown)) {
    return null;
  }
  const text = cleanText(thrown.message, redact);
  const isCode = text === undefined || text === thrown.name || /^Unknown(Error)?$/.test(text);
  return isCode || plain(thrown.name) === undefined ? null : text;
}

/** The shape of S3's codes and request ids. Any other text may be an echo of the request, including secrets. */
const plainWord = /^[\w.-]{1,80}$/;

function plain(text: unknown): string | undefined {
  return typeof text === 'string' && plainWord.test(text) ? text : undefined;
}

/** Returns S3's code, which the SDK uses as the error's name. */
function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? (plain(thrown.name) ?? 'Unknown') : typeof thrown;
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown ? plain(thrown.code) : undefined;
}

function metadataOf(thrown: unknown): { readonly httpStatusCode?: number; readonly requestId?: unknown } {
  return thrown instanceof Error && '$metadata' in thrown ? Object(thrown.$metadata) : {};
}
