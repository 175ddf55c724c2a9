import { constants } from 'node:os';
import { expect, it } from 'vitest';
import { toStorageError } from '../../functions/warehouse/file-errors.ts';

it('an error reports a used-up disk quota, for which Node has no error code', () => {
  const errno = -constants.errno.EDQUOT;
  const thrown = Object.assign(new Error('write failed'), {
    errno,
    code: `Unknown system error ${errno}`,
    syscall: 'write',
  });
  expect(toStorageError(thrown, 'write', '/warehouse/a')).toMatchObject({
    code: 'EDQUOT',
    message: 'cannot write /warehouse/a: the disk quota is used up',
    remedy: expect.stringContaining('Free some space'),
    retryable: true,
  });
});

it.each(['ENOTSUP', 'ENOSYS'])(
  'an error of a file system without hard links (%s) names a folder that has them',
  (code) => {
    const thrown = Object.assign(new Error('link failed'), { code, syscall: 'link' });
    expect(toStorageError(thrown, 'write', '/mnt/share/a')).toMatchObject({
      code,
      message: 'cannot write /mnt/share/a: the file system does not support this, for example hard links',
      remedy: 'Set "warehouse" to a folder on a local disk.',
      retryable: false,
    });
  },
);
