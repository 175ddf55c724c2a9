/** Parses the URL of a warehouse: `s3://bucket[/prefix]`, or `file:<folder>`. Pure. */
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../errors.ts';

export type WarehouseLocation =
  | { readonly kind: 'file'; readonly folder: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** The prefix without slashes at its ends; empty for the bucket's root. */
      readonly prefix: string;
    };

/**
 * S3's rules for the name of a bucket, without the prefixes and suffixes that AWS reserves: some of them are those of
 * aliases of access points, which may take the place of a bucket.
 */
export const bucketPattern = /^(?!.*\.\.)(?!\d+(\.\d+){3}$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** The allowed names of buckets and URLs of warehouses, for messages. */
export const bucketForm =
  'a bucket name that S3 allows: 3 to 63 lowercase letters, digits, "-" or single ".", not an IP address';
export const warehouseForm = `"file:<folder>" or "s3://<bucket>[/<prefix>]" without blanks, "//", "/./" or "/../" in the prefix, and with ${bucketForm}`;

/**
 * Parses the URL of a warehouse; returns null for anything else. `file:` accepts a folder as written in a shell
 * (`file:./data`, `file:/var/data`), or a standard file URL (`file:///var/data`), in which `%20` and the like are decoded.
 */
export function warehouseLocation(url: string): WarehouseLocation | null {
  if (url.startsWith('file://')) {
    try {
      return { kind: 'file', folder: fileURLToPath(url) };
    } catch {
      return null;
    }
  }
  if (/^file:\S/.test(url)) {
    return { kind: 'file', folder: url.slice('file:'.length) };
  }
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]+)(?:\/(\S*))?$/.exec(url) ?? [];
  const prefix = path.replace(/^\/+|\/+$/g, '');
  const isWrong = prefix.split('/').some((part) => part === '.' || part === '..' || (part === '' && prefix !== ''));
  return isWrong || !bucketPattern.test(bucket) ? null : { kind: 's3', bucket, prefix };
}

/** Parses the URL of a warehouse in the same way. @throws ConfigError for anything else */
export function parseWarehouseUrl(url: string): WarehouseLocation {
  const location = warehouseLocation(url);
  if (location === null) {
    throw new ConfigError(`"warehouse" is ${JSON.stringify(url)}, which is neither a folder nor an S3 URL`, {
      remedy: `Set "warehouse" to ${warehouseForm}.`,
      code: 'warehouse',
    });
  }
  return location;
}
