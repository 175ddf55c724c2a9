/**
 * A warehouse's URL in parts: `s3://bucket[/prefix]`, or `file:<folder>`. Pure.
 */
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../errors.ts';

/** Where a warehouse lies. */
export type WarehouseLocation =
  | { readonly kind: 'file'; readonly folder: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Without slashes at its ends; empty for the bucket's root. */
      readonly prefix: string;
    };

/**
 * Takes a warehouse's URL apart.
 *
 * `file:` takes a folder as one writes it in a shell (`file:./data`, `file:/var/data`), or a standard file URL
 * (`file:///var/data`), in which `%20` and the like are decoded.
 *
 * @throws ConfigError for anything else
 */
export function parseWarehouseUrl(url: string): WarehouseLocation {
  if (url.startsWith('file://')) {
    return { kind: 'file', folder: standardFileUrl(url) };
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

function standardFileUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw invalid(url);
  }
}

function invalid(url: string): ConfigError {
  return new ConfigError(`warehouse ${JSON.stringify(url)} is not a place dqsync can write to`, {
    remedy: 'Set "warehouse" to "file:<folder>" or "s3://<bucket>[/<prefix>]".',
    code: 'warehouse',
  });
}
