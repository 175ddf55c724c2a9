import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheFolderOf } from '../../../functions/cli/terminal/cache-folder.ts';

const folder = /^s3-bucket-dq-[0-9a-f]{8}$/;

describe('the folder for copies of data files', () => {
  it.each([
    [{}, join(homedir(), '.cache', 'dqsync')],
    [{ XDG_CACHE_HOME: '/x' }, '/x/dqsync'],
    [{ XDG_CACHE_HOME: 'x' }, join(homedir(), '.cache', 'dqsync')],
    [{ DQSYNC_CACHE: '/mine', XDG_CACHE_HOME: '/x' }, '/mine'],
    [{ DQSYNC_CACHE: 'mine' }, resolve('mine')],
    [{ DQSYNC_CACHE: '' }, join(homedir(), '.cache', 'dqsync')],
  ] as const)('lies with %j below %s', (environment, root) => {
    const path = cacheFolderOf('s3://bucket/dq', environment);

    expect(path.startsWith(`${root}/`)).toBe(true);
    expect(path.slice(root.length + 1)).toMatch(folder);
  });

  it('is different for each warehouse', () => {
    const urls = ['s3://bucket/dq', 's3://bucket/dq2', 's3://bucket-dq', 's3://bucket//dq'];
    expect(new Set(urls.map((url) => cacheFolderOf(url, {}))).size).toBe(urls.length);
  });
});
