import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { cacheFolderOf } from '../../../functions/cli/terminal/cache-folder.ts';

const folder = /^s3-bucket-dq-[0-9a-f]{8}$/;

describe('the folder for copies of data files', () => {
  it.each([
    ['linux', {}, join(homedir(), '.cache', 'dqsync')],
    ['linux', { XDG_CACHE_HOME: '/x' }, '/x/dqsync'],
    ['linux', { XDG_CACHE_HOME: 'x' }, join(homedir(), '.cache', 'dqsync')],
    ['darwin', {}, join(homedir(), 'Library', 'Caches', 'dqsync')],
    ['win32', { LOCALAPPDATA: '/local' }, '/local/dqsync/cache'],
    ['linux', { DQSYNC_CACHE: '/mine', XDG_CACHE_HOME: '/x' }, '/mine'],
    ['darwin', { DQSYNC_CACHE: 'mine' }, resolve('mine')],
    ['linux', { DQSYNC_CACHE: '' }, join(homedir(), '.cache', 'dqsync')],
  ] as const)('lies on %s with %j below %s', (platform, environment, root) => {
    const spy = vi.spyOn(process, 'platform', 'get').mockReturnValue(platform);
    const path = cacheFolderOf('s3://bucket/dq', environment);
    spy.mockRestore();

    expect(path.startsWith(`${root}/`)).toBe(true);
    expect(path.slice(root.length + 1)).toMatch(folder);
  });

  it('is different for each warehouse', () => {
    const urls = ['s3://bucket/dq', 's3://bucket/dq2', 's3://bucket-dq', 's3://bucket//dq'];
    expect(new Set(urls.map((url) => cacheFolderOf(url, {}))).size).toBe(urls.length);
  });
});
