import { describe, expect, it } from 'vitest';
import { parseConfig } from '../functions/config.ts';
import { openStore } from '../functions/connect.ts';

const settled = {
  source: { endpoint: 'https://dayu.ap-southeast-3.myhuaweicloud.com' },
  targets: [{ name: 'a', projectId: 'p', workspace: 'w', credentials: 'env:SECRET' }],
  initialFrom: '2026-01-01T00:00:00Z',
};
const config = (partitionTimeZone: string) => ({ ...settled, partitionTimeZone });

describe('partitionTimeZone', () => {
  it.each(['UTC', 'Asia/Shanghai', 'America/Argentina/Buenos_Aires', 'Etc/GMT-8', 'America/Port-au-Prince'])(
    'may be %s',
    (zone) => {
      expect(parseConfig(config(zone), 'config').partitionTimeZone).toBe(zone);
    },
  );

  it.each(['CST', 'BST', 'IST', 'AST', 'EST', 'EST5EDT', 'GMT', '+08:00', 'UTC+8', 'asia/shanghai', 'Asia/Peking', ''])(
    'may not be %j, which names several zones or none',
    (zone) => {
      expect(() => parseConfig(config(zone), 'config')).toThrow(`such as "Asia/Shanghai", not "${zone}"`);
    },
  );
});

describe('storage', () => {
  const withStorage = (storage: object) => ({ ...settled, warehouse: 's3://bucket', storage });

  it.each([
    {},
    { encryption: 'AES256' },
    { encryption: 'aws:kms', kmsKeyId: 'alias/mine' },
    { encryption: 'aws:kms:dsse', pathStyle: true },
  ])('may be %j', (storage) => {
    expect(parseConfig(withStorage(storage), 'config').storage).toEqual(storage);
  });

  it.each([
    [{ encryption: 'kms' }, '"storage.encryption"'],
    [{ kmsKeyId: 'alias/mine' }, '"storage.kmsKeyId": is only allowed with "encryption": "aws:kms"'],
    [{ encryption: 'AES256', kmsKeyId: 'alias/mine' }, '"storage.kmsKeyId": is only allowed with'],
    [{ forcePathStyle: true }, 'unknown key "storage.forcePathStyle"'],
  ])('may not be %j', (storage, message) => {
    expect(() => parseConfig(withStorage(storage), 'config')).toThrow(message);
  });

  it('is refused with a folder as warehouse', async () => {
    await expect(openStore('file:./warehouse', {}, { encryption: 'AES256' })).rejects.toThrow(
      '"storage" is for s3:// warehouses, but the warehouse is file:./warehouse',
    );
  });
});

describe('source.quota', () => {
  it.each([
    [{}, { requests: 40, perSeconds: 10, reservedForSync: 0.25 }],
    [{ reservedForSync: 0.5 }, { requests: 40, perSeconds: 10, reservedForSync: 0.5 }],
    [
      { requests: 300, perSeconds: 10 },
      { requests: 300, perSeconds: 10, reservedForSync: 0.25 },
    ],
  ])('has the documented defaults for the keys that %j leaves out', (quota, expected) => {
    expect(parseConfig({ ...settled, source: { ...settled.source, quota } }, 'config').source.quota).toEqual(expected);
  });
});
