/**
 * The only parts of undici that are used, imported by their files. undici's index also loads fetch, WebSocket, mocks
 * and caches: 12 MB of memory, a sixth of the Lambda's bundle and 30 ms of its start.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';

  export = Pool;
}

declare module 'undici/lib/core/connect.js' {
  import { buildConnector } from 'undici';

  export = buildConnector;
}
