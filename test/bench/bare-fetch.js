/**
 * What the sync is compared with: fetches the list page by page over one connection, parses each reply, keeps nothing. No
 * proof, no file. Plain JavaScript; ends by itself.
 *
 * Usage: node bare-fetch.js <url of the list> <headers as JSON>
 */
import { Pool } from 'undici';

const [url = '', headers = '{}'] = process.argv.slice(2);
const { origin, pathname, search } = new URL(url);
const pool = new Pool(origin, { connections: 1, pipelining: 1 });
let rows = 0;
for (;;) {
  const path = `${pathname}${search}&limit=100&offset=${rows}`;
  const reply = await pool.request({ path, method: 'GET', headers: JSON.parse(headers) });
  const { resources } = JSON.parse(await reply.body.text());
  if (resources.length === 0) {
    break;
  }
  rows += resources.length;
}
await pool.close();
console.log(rows);
