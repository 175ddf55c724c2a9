/** What S3 answers when it does not do as asked: sorted by what follows from it. Pure. */
import { StorageError } from '../errors.ts';

/**
 * What an S3 failure means.
 * `precondition`: the condition did not hold, or our own write was answered twice. `conflict`: another write was in
 * progress, try again. `absent`: no such object. `transient`: no answer, or S3 is unwell; what we asked may have been done.
 * `refused`: asking again does not help.
 */
export type S3Failure = 'precondition' | 'conflict' | 'absent' | 'transient' | 'refused';

const failuresByName: Readonly<Record<string, S3Failure>> = {
  PreconditionFailed: 'precondition',
  ConditionalRequestConflict: 'conflict',
  OperationAborted: 'conflict',
  NoSuchKey: 'absent',
  NotFound: 'absent',
  InternalError: 'transient',
  ServiceUnavailable: 'transient',
  SlowDown: 'transient',
  RequestTimeout: 'transient',
  BadDigest: 'transient',
  IncompleteBody: 'transient',
  XAmzContentSHA256Mismatch: 'transient',
  BrokenBodyError: 'transient',
  ForeignReplyError: 'transient',
  SlowReplyError: 'transient',
  NoLongerWaitedForError: 'transient',
  BadListingError: 'transient',
  RequestTimeTooSkewed: 'refused',
  NoSuchBucket: 'refused',
  CredentialsProviderError: 'refused',
};

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

/** The reply began, or did not, and in any case did not come whole in the time that one try has. */
export class SlowReplyError extends Error {
  override readonly name = 'SlowReplyError';
}

/** Whoever asked was told to stop waiting. What was sent may still arrive. */
export class NoLongerWaitedForError extends Error {
  override readonly name = 'NoLongerWaitedForError';
}

/**
 * The reply says that all went well, and is not S3's: each of S3's has an ETag, a strong one. A login page has none, and a
 * proxy that compresses weakens it, after which no condition on it ever holds.
 */
export class ForeignReplyError extends Error {
  override readonly name = 'ForeignReplyError';
  readonly code: 'NoETag' | 'WeakETag';
  /** As the SDK gives it. */
  readonly $metadata: object;

  constructor(code: ForeignReplyError['code'], metadata: object) {
    super('the reply is not one of S3');
    this.code = code;
    this.$metadata = metadata;
  }
}

/**
 * The ETag of a reply that says that all went well.
 *
 * @throws ForeignReplyError for one that has none, or a weak one
 */
export function etagOf(reply: { readonly ETag?: string | undefined; readonly $metadata: object }): string {
  const { ETag: etag = '', $metadata: metadata } = reply;
  if (etag === '' || etag.startsWith('W/')) {
    throw new ForeignReplyError(etag === '' ? 'NoETag' : 'WeakETag', metadata);
  }
  return etag;
}

/**
 * Sorts a failure: by its name first, because S3 has answered 412 as an error in a reply of status 200; then by status;
 * what has neither is of the network.
 */
export function classifyS3Failure(thrown: unknown): S3Failure {
  const known = failuresByName[nameOf(thrown)];
  if (known !== undefined) {
    return known;
  }
  const status = statusOf(thrown);
  if (status === undefined) {
    return isOfNetwork(thrown) ? 'transient' : 'refused';
  }
  switch (status) {
    case 404:
      return 'absent';
    case 409:
      return 'conflict';
    case 412:
      return 'precondition';
    case 408:
    case 429:
      return 'transient';
    default:
      return status >= 500 ? 'transient' : 'refused';
  }
}

/** Where something was asked for; all of it may be shown. */
export interface S3Place {
  readonly bucket: string;
  /** Key within the bucket, or the prefix of a listing. */
  readonly key: string;
}

interface Explanation {
  readonly what: string;
  readonly remedy: string;
}

const permissionRemedy =
  'Allow s3:GetObject and s3:PutObject on the warehouse\'s objects and s3:ListBucket on its bucket (without the latter S3 answers "access denied" for an object that is not there), and the use of its KMS key if it has one.';
const credentialsRemedy =
  'Give dqsync valid AWS credentials: log in again ("aws sso login"), or check AWS_PROFILE and AWS_ACCESS_KEY_ID.';
const passingRemedy = 'Check the network and AWS_ENDPOINT_URL, and run again; nothing was lost.';
const betweenRemedy =
  'Nothing was lost. Look at what stands between dqsync and S3 (AWS_ENDPOINT_URL, a proxy, a login page), and try the warehouse with "dqsync doctor".';
const regionRemedy = 'Set AWS_REGION to the region of the bucket.';

const explanations: Readonly<Record<string, Explanation>> = {
  AccessDenied: { what: 'access denied', remedy: permissionRemedy },
  AllAccessDisabled: { what: 'all access is disabled', remedy: permissionRemedy },
  NoSuchBucket: { what: 'there is no such bucket', remedy: 'Check the bucket in "warehouse", or create it.' },
  PermanentRedirect: { what: 'the bucket is in another region', remedy: regionRemedy },
  AuthorizationHeaderMalformed: { what: 'the bucket is in another region', remedy: regionRemedy },
  IllegalLocationConstraintException: { what: 'the bucket is in another region', remedy: regionRemedy },
  InvalidAccessKeyId: { what: 'the access key is not known', remedy: credentialsRemedy },
  SignatureDoesNotMatch: { what: 'the secret access key is wrong', remedy: credentialsRemedy },
  ExpiredToken: { what: 'the credentials have expired', remedy: credentialsRemedy },
  TokenRefreshRequired: { what: 'the credentials have expired', remedy: credentialsRemedy },
  InvalidToken: { what: 'the session token is not valid', remedy: credentialsRemedy },
  CredentialsProviderError: { what: 'there are no AWS credentials', remedy: credentialsRemedy },
  BadDigest: { what: 'the bytes changed on their way', remedy: passingRemedy },
  IncompleteBody: { what: 'the bytes did not arrive whole', remedy: passingRemedy },
  XAmzContentSHA256Mismatch: { what: 'the bytes changed on their way', remedy: passingRemedy },
  BrokenBodyError: { what: 'the object did not arrive whole', remedy: passingRemedy },
  SlowReplyError: { what: 'the answer did not come in time', remedy: passingRemedy },
  NoLongerWaitedForError: { what: 'the run had to end before S3 answered', remedy: passingRemedy },
  PreconditionFailed: { what: 'S3 says that somebody else has written (412), and nobody has', remedy: betweenRemedy },
  BadListingError: {
    what: 'what came with a status of success is no whole listing',
    remedy:
      'Check that AWS_ENDPOINT_URL and every proxy on the way lead to S3 (a login page answers so, too), and run again; nothing was lost.',
  },
  RequestTimeTooSkewed: { what: "this machine's clock is wrong", remedy: 'Set the clock by network time.' },
};

/**
 * The failure as a `StorageError`, with S3's code, its request id and a remedy. Built from named fields only: no request,
 * no header, no credentials.
 *
 * @param doing what was tried, for example `write`
 */
export function toS3StorageError(thrown: unknown, doing: 'read' | 'write' | 'list', place: S3Place): StorageError {
  if (thrown instanceof StorageError) {
    return thrown;
  }
  const name = nameOf(thrown);
  const status = statusOf(thrown);
  const retryable = classifyS3Failure(thrown) !== 'refused';
  const explanation =
    thrown instanceof ForeignReplyError ? ofForeign(thrown) : (explanations[name] ?? byStatus(status, retryable));
  return new StorageError(`cannot ${doing} s3://${place.bucket}/${place.key}: ${explanation.what}`, {
    remedy: explanation.remedy,
    code: codeOf(thrown) ?? name,
    requestId: requestIdOf(thrown),
    retryable,
  });
}

function ofForeign(thrown: ForeignReplyError): Explanation {
  const why = thrown.code === 'NoETag' ? 'it has no ETag' : 'its ETag is weak';
  return { what: `an answer of status ${statusOf(thrown)} came that is not S3's: ${why}`, remedy: betweenRemedy };
}

function byStatus(status: number | undefined, retryable: boolean): Explanation {
  if (status === 301) {
    return { what: 'the bucket is in another region', remedy: regionRemedy };
  }
  if (status === 403) {
    return { what: 'access denied', remedy: permissionRemedy };
  }
  if (status === undefined && retryable) {
    return { what: 'no answer from S3', remedy: passingRemedy };
  }
  return {
    what: status === undefined ? 'the request could not be made' : `S3 answered with status ${status}`,
    remedy: retryable ? 'Run again later; nothing was lost.' : 'Check "warehouse", AWS_REGION and the AWS credentials.',
  };
}

const networkCodes =
  /^(E[A-Z_]+|HPE_[A-Z_]+|UND_ERR_[A-Z_]+|ERR_SSL_[A-Z_0-9]+|CERT_[A-Z_]+|DEPTH_[A-Z_]+|UNABLE_TO_[A-Z_]+)$/;

function isOfNetwork(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return ['TimeoutError', 'AbortError'].includes(nameOf(thrown)) || (code !== undefined && networkCodes.test(code));
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

function metadataOf(thrown: unknown): object {
  const metadata = thrown instanceof Error && '$metadata' in thrown ? thrown.$metadata : undefined;
  return typeof metadata === 'object' && metadata !== null ? metadata : {};
}

function statusOf(thrown: unknown): number | undefined {
  const metadata = metadataOf(thrown);
  return 'httpStatusCode' in metadata && typeof metadata.httpStatusCode === 'number'
    ? metadata.httpStatusCode
    : undefined;
}

function requestIdOf(thrown: unknown): string | undefined {
  const metadata = metadataOf(thrown);
  return 'requestId' in metadata ? plain(metadata.requestId) : undefined;
}
