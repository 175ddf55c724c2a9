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
 * Parses the URL of a warehouse. `file:` accepts a folder as written in a shell (`file:./data`, `file:/var/data`), or a
 * standard file URL (`file:///var/data`), in which `%20` and the like are decoded.
 *
 * @throws ConfigError for anything else
 */
export function parseWarehouseUrl(url: string): WarehouseLocation {
  if (url.startsWith('file://')) {
    try {
      return { kind: 'file', folder: fileURLToPath(url) };
    } catch {
      throw invalid(url);
    }
  }
  if (url.startsWith('file:') && url.length > 'file:'.length) {
    return { kind: 'file', folder: url.slice('file:'.length) };
  }
  const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(url);
  const bucket = match?.[1];
  if (bucket === undefined) {
    throw invalid(url);
  }
  const prefix = (match?.[2] ?? '').replace(/^\/+|\/+$/g, '');
  if (prefix.split('/').some((part) => part === '.' || part === '..' || (part === '' && prefix !== ''))) {
    throw invalid(url);
  }
  return { kind: 's3', bucket, prefix };
}

function invalid(url: string): ConfigError {
  return new ConfigError(`"warehouse" is ${JSON.stringify(url)}, which is neither a folder nor an S3 URL`, {
    remedy: 'Set "warehouse" to "file:<folder>" or "s3://<bucket>[/<prefix>]".',
    code: 'warehouse',
  });
}
