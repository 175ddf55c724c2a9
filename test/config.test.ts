import { describe, expect, it } from 'vitest';
import { parseConfig } from '../functions/config.ts';

const config = (partitionTimeZone: string) => ({
  source: { endpoint: 'https://dayu.ap-southeast-3.myhuaweicloud.com' },
  targets: [{ name: 'a', projectId: 'p', workspace: 'w', credentials: 'env:SECRET' }],
  initialFrom: '2026-01-01T00:00:00Z',
  partitionTimeZone,
});

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
      expect(() => parseConfig(config(zone), 'config')).toThrow(`not "${zone}": write "Asia/Shanghai"`);
    },
  );
});
