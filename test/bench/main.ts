/**
 * `npm run bench`: measures throughput, memory, requests, pace, queries and cold start on loopback, and prints one
 * table.
 *
 * `--only <part>` one part (repeatable). `--rows <n>` the largest sync, 100,000 to 5,000,000 (default 1,000,000).
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { buildPackage } from './children.ts';
import { measureColdStart } from './cold-start.ts';
import { measureEndToEnd } from './end-to-end.ts';
import { type Figure, tableOf } from './figures.ts';
import { measureMemory } from './memory.ts';
import { measureOpenSets } from './open-sets.ts';
import { measureQuota } from './quota.ts';
import { measureReport } from './report.ts';
import { measureRequests } from './requests.ts';
import { measureYears } from './years.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    rows: { type: 'string', default: '1000000' },
  },
});
const mostRows = Number(values.rows);
if (!Number.isInteger(mostRows) || mostRows < 100_000 || mostRows > 5_000_000) {
  throw new RangeError(`--rows must be a whole number from 100000 to 5000000, not ${values.rows}`);
}

const parts: Readonly<Record<string, () => Promise<Figure[]>>> = {
  'end-to-end': measureEndToEnd,
  memory: () => measureMemory([100_000, 1_000_000, 5_000_000].filter((rows) => rows < mostRows).concat(mostRows)),
  requests: measureRequests,
  open: measureOpenSets,
  years: measureYears,
  report: measureReport,
  quota: () => measureQuota([50, 800]),
  'cold-start': measureColdStart,
};
const names = values.only ?? Object.keys(parts);
const unknown = names.filter((name) => !(name in parts));
if (unknown.length > 0) {
  throw new RangeError(`--only must be one of ${Object.keys(parts).join(', ')}, not ${unknown.join(', ')}`);
}

await buildPackage();
const figures: Figure[] = [];
for (const name of names) {
  console.error(`measuring ${name} …`);
  figures.push(...((await parts[name]?.()) ?? []));
}
console.log(`node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`);
console.log(tableOf(figures));
