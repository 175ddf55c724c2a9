/**
 * The two parts of undici that are used, by their files: its index also loads fetch, WebSocket, mocks, caches and more,
 * which costs 12 MB of memory, a sixth of the Lambda's bundle and 30 ms of its start.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';

  export = Pool;
}

declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici';

  /** `dispatcher.request(options)`, which only undici's index makes a method. */
  function request(this: Dispatcher, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>;

  export = request;
}
