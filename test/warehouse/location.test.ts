import { describe, expect, it } from 'vitest';
import { parseWarehouseUrl } from '../../functions/warehouse/location.ts';

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

  it.each(['', 'file:', 's3://', 's3:///a', 'https://x', '/var/data', 's3://b/a//b', 's3://b/../x', 'file://host/x'])(
    '%j is refused with the remedy',
    (url) => {
      expect(() => parseWarehouseUrl(url)).toThrow(
        expect.objectContaining({
          kind: 'config',
          code: 'warehouse',
          remedy: expect.stringContaining('file:<folder>'),
        }),
      );
    },
  );
});
