/**
 * One page of a bucket's listing, believed only if it is whole.
 *
 * What stands between us and S3 (a proxy, a login page, a wrong endpoint) answers with status 200 too, and the SDK makes a
 * page without objects of an empty body and of well-formed HTML. Taken for the end of the listing it would hide a part of
 * the table, and nothing would show that. Source: S3 API reference, "ListObjectsV2": IsTruncated is in every reply,
 * NextContinuationToken where it is true, Key and Size in every entry.
 */
import { ListObjectsV2Command, type ListObjectsV2CommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { classifyS3Failure, type S3Place } from './s3-errors.ts';

/** A reply of status 200 cannot be a whole page of a listing. What it lacks is in `code`. */
export class BadListingError extends Error {
  override readonly name = 'BadListingError';
  readonly code: 'Unreadable' | 'NoIsTruncated' | 'NoContinuationToken' | 'SameContinuationToken' | 'NoKeyOrSize';
  /** As the SDK gives it. */
  readonly $metadata: object;

  constructor(code: BadListingError['code'], { $metadata: metadata }: { readonly $metadata: object }) {
    super('the reply to a listing is no whole page of one');
    this.code = code;
    this.$metadata = metadata;
  }
}

/** What one request for a listing gives. */
export interface ListingPage {
  readonly objects: readonly { readonly fullKey: string; readonly sizeBytes: number }[];
  /** Asks for the next page; undefined if this is the last one. */
  readonly nextToken: string | undefined;
}

/**
 * Asks for the page after those that `tokens` were for.
 *
 * @param tokens the `nextToken`s of the pages so far, in order; none for the first page
 * @throws BadListingError for a reply that is no whole page, or leads back to an earlier one; what the SDK throws else
 */
export async function fetchListingPage(
  client: S3Client,
  { bucket, key }: S3Place,
  tokens: readonly string[],
): Promise<ListingPage> {
  const reply = await client
    .send(new ListObjectsV2Command({ Bucket: bucket, Prefix: key, ContinuationToken: tokens.at(-1) }))
    .catch((thrown: unknown) => {
      throw isUnreadable(thrown) ? new BadListingError('Unreadable', thrown) : thrown;
    });
  return { objects: objectsOf(reply), nextToken: nextTokenOf(reply, tokens) };
}

/** Whether the SDK could make nothing of a reply that says success: it throws a plain `Error` with that reply's status then. */
function isUnreadable(thrown: unknown): thrown is { readonly $metadata: { readonly httpStatusCode: number } } {
  const { $metadata: metadata }: { $metadata?: { httpStatusCode?: number } } = Object(thrown);
  const status = metadata?.httpStatusCode ?? 0;
  return status >= 200 && status < 300 && classifyS3Failure(thrown) === 'refused';
}

function objectsOf(reply: ListObjectsV2CommandOutput): ListingPage['objects'] {
  return (reply.Contents ?? []).map(({ Key: fullKey, Size: sizeBytes }) => {
    // The SDK makes NaN of a size that is no number.
    if (fullKey === undefined || sizeBytes === undefined || !Number.isSafeInteger(sizeBytes)) {
      throw new BadListingError('NoKeyOrSize', reply);
    }
    return { fullKey, sizeBytes };
  });
}

function nextTokenOf(reply: ListObjectsV2CommandOutput, tokens: readonly string[]): string | undefined {
  const { IsTruncated: isTruncated, NextContinuationToken: nextToken = '' } = reply;
  if (typeof isTruncated !== 'boolean') {
    throw new BadListingError('NoIsTruncated', reply);
  }
  if (!isTruncated) {
    return undefined;
  }
  if (nextToken === '') {
    throw new BadListingError('NoContinuationToken', reply);
  }
  if (tokens.includes(nextToken)) {
    throw new BadListingError('SameContinuationToken', reply);
  }
  return nextToken;
}
