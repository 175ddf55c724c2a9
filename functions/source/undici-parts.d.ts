/**
 * The one part of undici that is used, by its file: its index also loads fetch, WebSocket, mocks, caches and more, which
 * costs 12 MB of memory, a sixth of the Lambda's bundle and 30 ms of its start.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';

  export = Pool;
}
