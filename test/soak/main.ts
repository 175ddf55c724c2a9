/**
 * `npm run soak`: the long forms of the proofs, until the time is over or one finds a counterexample; prints a line of
 * figures.
 *
 * `--seed <n>` repeats a run (default: drawn, and printed). `--minutes <n>` in all (default 5). `--only <part>` one
 * part (repeatable): model, reading, races, years, faults, crash. Loopback only. Exit code 1 with the first
 * counterexample.
 */
import { parseArgs } from 'node:util';
import { type Part, parts, type SoakResult } from './parts.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    minutes: { type: 'string', default: '5' },
    only: { type: 'string', multiple: true },
  },
});
const seed = Number(values.seed);
const minutes = Number(values.minutes);
if (!Number.isInteger(seed) || seed < 0 || !(minutes > 0)) {
  throw new RangeError(
    `--seed must be a whole number from 0, --minutes a number above 0, not ${values.seed}, ${values.minutes}`,
  );
}
const names = values.only ?? Object.keys(parts);
const unknown = names.filter((name) => !(name in parts));
if (unknown.length > 0) {
  throw new RangeError(`--only must be one of ${Object.keys(parts).join(', ')}, not ${unknown.join(', ')}`);
}

const results: SoakResult[] = [];
for (const [index, name] of names.entries()) {
  const part: Part | undefined = parts[name];
  const limitMs = (minutes * 60_000) / names.length;
  console.error(`${name}, seed ${seed}, ${Math.round(limitMs / 1000)} s (${index + 1} of ${names.length}) …`);
  const result = await part?.(seed, limitMs);
  if (result === undefined) {
    continue;
  }
  results.push(result);
  console.error(`  ${lineOf(result.figures)}`);
  if (result.counterexample !== null) {
    console.error(`${name} found a counterexample:\n${result.counterexample}`);
    console.log(
      `soak FAILED in ${name}; repeat it with: npm run soak -- --seed ${seed} --minutes ${minutes} --only ${name}`,
    );
    process.exit(1);
  }
}
console.log(`soak: seed ${seed} · ${lineOf(sumOf(results))} · lost 0 · doubled 0 · wrong 0`);
process.exit(0);

function sumOf(all: readonly SoakResult[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { figures } of all) {
    for (const [name, value] of Object.entries(figures)) {
      sum[name] = (sum[name] ?? 0) + value;
    }
  }
  return sum;
}

function lineOf(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(' · ');
}
