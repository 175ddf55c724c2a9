/**
 * `npm run soak`: the long forms of the proofs, until the time is over or one finds a counterexample; prints a line of
 * figures. Loopback only. Exit code 1 with the first counterexample.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Part, parts, type SoakResult } from './parts.ts';

const {
  seed,
  minutes,
  only: names,
} = new Command('npm run soak --')
  .description('Runs the long forms of the proofs until the time is over or one finds a counterexample.')
  .addOption(
    new Option('--seed <number>', 'seed of a run to repeat')
      .argParser(numberFrom(0))
      .default(Math.floor(Math.random() * 2 ** 31), 'drawn, and printed'),
  )
  .option('--minutes <number>', 'time of all parts together', numberFrom(1), 5)
  .addOption(
    new Option('--only <part...>', 'parts to run').choices(Object.keys(parts)).default(Object.keys(parts), 'all'),
  )
  .parse()
  .opts<{ seed: number; minutes: number; only: string[] }>();

/** Returns a parser of whole numbers from `least` on. */
function numberFrom(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,15}$/.test(text) || Number(text) < least) {
      throw new InvalidArgumentError(`It must be a whole number from ${least}.`);
    }
    return Number(text);
  };
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
console.log(`soak: seed ${seed} · ${lineOf(sumOf(results))} · no counterexample`);
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
