/** `npm run bench`: measures on loopback, and prints one table; `-- --help` shows its options. */
import { availableParallelism, cpus } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
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

const parts: Readonly<Record<string, () => Promise<Figure[]>>> = {
  'end-to-end': measureEndToEnd,
  memory: () => measureMemory([100_000, 1_000_000, 5_000_000].filter((size) => size < rows).concat(rows)),
  requests: measureRequests,
  open: measureOpenSets,
  years: measureYears,
  report: measureReport,
  quota: () => measureQuota([50, 800]),
  'cold-start': measureColdStart,
};
const { only, rows } = new Command('npm run bench --')
  .description('Measures throughput, memory, requests, pace, queries and cold start on loopback, and prints one table.')
  .addOption(
    new Option('--only <part...>', 'parts to measure').choices(Object.keys(parts)).default(Object.keys(parts), 'all'),
  )
  .option('--rows <number>', 'rows of the largest sync, 100000 to 5000000', rowsOf, 1_000_000)
  .parse()
  .opts<{ only: string[]; rows: number }>();

function rowsOf(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 100_000 || number > 5_000_000) {
    throw new InvalidArgumentError('It must be a whole number from 100000 to 5000000.');
  }
  return number;
}

await buildPackage();
const figures: Figure[] = [];
for (const name of only) {
  console.error(`measuring ${name} …`);
  figures.push(...((await parts[name]?.()) ?? []));
}
console.log(`node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}`);
console.log(tableOf(figures));
