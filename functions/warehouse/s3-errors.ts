/** S3's failures: what each code means for a write, and what an operator does about it. Pure. */
import { StorageError } from '../errors.ts';

/**
 * What an S3 failure means.
 * `doubtful`: the condition did not hold, or our own write was answered twice (412); no answer, or S3 is unwell. What we asked for
 * may have been done. `conflict`: another write was in progress (409), ours was not done. `absent`: no such object. `refused`:
 * asking again does not help.
 */
export type S3Failure = 'doubtful' | 'conflict' | 'absent' | 'refused';

/** Where something was asked for; all of it may be shown. */
export interface S3Place {
  readonly bucket: string;
  /** Key within the bucket, or the prefix of a listing. */
  readonly key: string;
}

/**
 * The reply began well, and its body broke off or does not match its checksum (of which the SDK makes an error without a
 * code). Carries no cause: what is worth knowing is in `code`.
 */
export class BrokenBodyError extends Error {
  override readonly name = 'BrokenBodyError';
  readonly code: string;

  constructor(thrown: unknown) {
    super('the body of a reply did not arrive whole');
    this.code = codeOf(thrown) ?? 'BrokenBody';
  }
}

interface Explanation {
  readonly failure: S3Failure;
  readonly what: string;
  readonly remedy: string;
}

const permissionRemedy =
  'Allow s3:GetObject and s3:PutObject on the warehouse\'s objects and s3:ListBucket on its bucket (without the latter S3 answers "access denied" for an object that is not there), and the use of its KMS key if it has one.';
const credentialsRemedy =
  'Give dqsync valid AWS credentials: log in again ("aws sso login"), or check AWS_PROFILE and AWS_ACCESS_KEY_ID.';
const networkRemedy = 'Check the network and AWS_ENDPOINT_URL, and run again; nothing was lost.';
const laterRemedy = 'Run again later; nothing was lost.';

const accessDenied = refused('access denied', permissionRemedy);
const otherRegion = refused('the bucket is in another region', 'Set AWS_REGION to the region of the bucket.');
const badKey = refused('the access key or its secret is not valid', credentialsRemedy);
const changedBytes = doubtful('the bytes did not arrive as they were sent', networkRemedy);

/** By S3's code, or the SDK's name of the error. */
const byCode: Readonly<Record<string, Explanation>> = {
  PreconditionFailed: doubtful('S3 reported a conflict (412), but the object is unchanged', laterRemedy),
  RequestTimeout: doubtful('the request did not arrive in time', networkRemedy),
  BadDigest: changedBytes,
  XAmzContentSHA256Mismatch: changedBytes,
  BrokenBodyError: doubtful('the object did not arrive whole', networkRemedy),
  TimeoutError: doubtful('no answer from S3 in time', networkRemedy),
  AbortError: doubtful('the run had to end before S3 answered', networkRemedy),
  AccessDenied: accessDenied,
  NoSuchBucket: refused('there is no such bucket', 'Check the bucket in "warehouse", or create it.'),
  PermanentRedirect: otherRegion,
  AuthorizationHeaderMalformed: otherRegion,
  InvalidAccessKeyId: badKey,
  SignatureDoesNotMatch: badKey,
  InvalidToken: badKey,
  ExpiredToken: refused('the credentials have expired', credentialsRemedy),
  CredentialsProviderError: refused('there are no AWS credentials', credentialsRemedy),
  RequestTimeTooSkewed: refused("this machine's clock is wrong", 'Set the clock by network time.'),
};

/** By status, where a code is unknown or left out, as in every reply to a HEAD. */
const byStatus: Readonly<Record<number, Explanation>> = {
  301: otherRegion,
  403: accessDenied,
  404: { failure: 'absent', what: 'there is no such object', remedy: laterRemedy },
  409: { failure: 'conflict', what: 'S3 reported a conflict (409)', remedy: laterRemedy },
};

function refused(what: string, remedy: string): Explanation {
  return { failure: 'refused', what, remedy };
}

function doubtful(what: string, remedy: string): Explanation {
  return { failure: 'doubtful', what, remedy };
}

/** Returns what a failure means for the request that met it. */
export function classifyS3Failure(thrown: unknown): S3Failure {
  return explain(thrown).failure;
}

/**
 * Returns the failure as a `StorageError`, with S3's code, its request id and a remedy. Built from named fields only: no
 * request, no header, no credentials.
 *
 * @param doing what was tried
 */
export function toS3StorageError(thrown: unknown, doing: 'read' | 'write' | 'list', place: S3Place): StorageError {
  if (thrown instanceof StorageError) {
    return thrown;
  }
  const { failure, what, remedy } = explain(thrown);
  return new StorageError(`cannot ${doing} s3://${place.bucket}/${place.key}: ${what}`, {
    remedy,
    code: codeOf(thrown) ?? nameOf(thrown),
    requestId: plain(metadataOf(thrown).requestId),
    retryable: failure !== 'refused',
  });
}

/** Looks at the code first, because S3 has answered 412 as an error in a reply of status 200; what has no status is of the network. */
function explain(thrown: unknown): Explanation {
  const { httpStatusCode: status } = metadataOf(thrown);
  const known = byCode[nameOf(thrown)] ?? byStatus[status ?? 0];
  if (known !== undefined) {
    return known;
  }
  if (status !== undefined && (status >= 500 || status === 412 || status === 408 || status === 429)) {
    return doubtful(`S3 answered with status ${status}`, laterRemedy);
  }
  // Errors of sockets, DNS and TLS have a code; a missing region, for example, has none.
  if (status === undefined && codeOf(thrown) !== undefined) {
    return doubtful('no answer from S3', networkRemedy);
  }
  const what = status === undefined ? 'the request could not be made' : `S3 answered with status ${status}`;
  return refused(what, 'Check "warehouse", AWS_REGION and the AWS credentials.');
}

/** What S3's codes and request ids look like. Anything else may be an echo of the request, with what is secret in it. */
const plainWord = /^[\w.-]{1,80}$/;

function plain(text: unknown): string | undefined {
  return typeof text === 'string' && plainWord.test(text) ? text : undefined;
}

/** Of an answer of S3, its code: the SDK makes it the error's name. */
function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? (plain(thrown.name) ?? 'Unknown') : typeof thrown;
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown ? plain(thrown.code) : undefined;
}

function metadataOf(thrown: unknown): { readonly httpStatusCode?: number; readonly requestId?: unknown } {
  return thrown instanceof Error && '$metadata' in thrown ? Object(thrown.$metadata) : {};
}
