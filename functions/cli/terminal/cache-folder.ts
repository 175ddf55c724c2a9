/** Chooses the folder for what is kept between commands, such as copies of data files. Pure. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Returns the folder for the copies of one warehouse. It may be deleted whenever no query runs. */
export function cacheFolderOf(warehouseUrl: string, environment: NodeJS.ProcessEnv): string {
  const name = warehouseUrl.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 80);
  return join(cacheRoot(environment), `${name}-${createHash('sha256').update(warehouseUrl).digest('hex').slice(0, 8)}`);
}

/** Returns `DQSYNC_CACHE`, or dqsync's folder in the user's cache folder. */
export function cacheRoot({ DQSYNC_CACHE, XDG_CACHE_HOME }: NodeJS.ProcessEnv): string {
  if (DQSYNC_CACHE !== undefined && DQSYNC_CACHE !== '') {
    return resolve(DQSYNC_CACHE);
  }
  // The XDG specification says to ignore relative paths.
  const ofUser =
    XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache');
  return join(ofUser, 'dqsync');
}
