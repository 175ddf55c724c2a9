import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../functions/config.ts';
import { parseWarehouseUrl } from '../../functions/warehouse/location.ts';

const config = {
  source: { endpoint: 'https://dayu.ap-southeast-3.myhuaweicloud.com' },
  targets: [{ name: 'sales', projectId: 'p', workspace: 'w', credentials: 'env:X' }],
  initialFrom: '2026-01-01T00:00:00Z',
};

describe('warehouse URL', () => {
  it.each([
    ['file:./data', { kind: 'file', folder: './data' }],
    ['file:data/a b%20c', { kind: 'file', folder: 'data/a b%20c' }],
    ['file:/var/data', { kind: 'file', folder: '/var/data' }],
    ['file:///var/a%20b', { kind: 'file', folder: '/var/a b' }],
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://my.bucket-1/a/b/', { kind: 's3', bucket: 'my.bucket-1', prefix: 'a/b' }],
  ])('%s is parsed', (url, location) => {
    expect(parseWarehouseUrl(url)).toEqual(location);
  });

  const longest = 'a'.repeat(63);

  it.each(['abc', longest, '1.2.3', '1.2.3.4.5', '1.2.3.4a', 'a-b.c-d', 'my-point-abc123-s3alias'])(
    'the bucket name %s is accepted',
    (bucket) => {
      expect(parseWarehouseUrl(`s3://${bucket}/x`)).toEqual({ kind: 's3', bucket, prefix: 'x' });
      expect(parseConfig({ ...config, warehouse: `s3://${bucket}` }, 'it').warehouse).toBe(`s3://${bucket}`);
    },
  );

  it.each([
    ...['', 'file:', 'file: a', 's3://', 's3:///a', 'https://x', '/var/data', 's3://bucket/a//b', 's3://bucket/../x'],
    ...['file://host/x', 's3://bucket/a b', 's3://a..b/x', 's3://A/', 's3://Bucket/x', 's3://192.168.1.1/', 's3://ab'],
    ...[`s3://${longest}a`, 's3://.abc', 's3://abc-/x', 's3://a_b', 's3://-ab'],
  ])('%j is refused with the remedy', (url) => {
    expect(() => parseWarehouseUrl(url)).toThrow(
      expect.objectContaining({
        kind: 'config',
        code: 'warehouse',
        remedy: expect.stringContaining('file:<folder>'),
      }),
    );
    const forms =
      '"warehouse": must be "file:<folder>" or "s3://<bucket>[/<prefix>]" without blanks, "//", "/./" or "/../" in the prefix, and with a bucket name that S3 allows';
    expect(() => parseConfig({ ...config, warehouse: url }, 'it')).toThrow(forms);
  });
});
