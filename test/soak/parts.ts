/** The parts of a soak: each a proof's long form, with a seed and a time limit. */
import { crashRounds } from '../proof/crash/crash-rounds.ts';
import { backfillCommands, syncCommands } from '../proof/crash/crash-world.ts';
import { expectBounded, yearsOfSyncs } from '../proof/endurance/years.ts';
import { faultRounds } from '../proof/faults/fault-rounds.ts';
import { readingRounds } from '../proof/model/reading-rounds.ts';
import { modelRounds } from '../proof/model/run-rounds.ts';
import { raceRounds } from '../proof/races/race-rounds.ts';

/** What a part came to. */
export interface SoakResult {
  /** Added up over all parts, by name. */
  readonly figures: Readonly<Record<string, number>>;
  /** Null where all held. */
  readonly counterexample: string | null;
}

/** Runs for `limitMs` at most, and a little more. */
export type Part = (seed: number, limitMs: number) => Promise<SoakResult>;

/** By the names that `--only` takes. */
export const parts: Readonly<Record<string, Part>> = {
  model: async (seed, limitMs) => {
    const { counterexample, ...figures } = await modelRounds({ seed, limitMs, actions: 80 });
    return { figures, counterexample };
  },
  reading: async (seed, limitMs) => {
    const { counterexample, reads, proven } = await readingRounds({ seed, limitMs });
    return { figures: { reads, proven }, counterexample };
  },
  races: async (seed, limitMs) => {
    const untilMs = Date.now() + limitMs;
    const { problems, rounds, runs, commits, rows } = await raceRounds(seed, () => Date.now() >= untilMs);
    return { figures: { races: rounds, runs, commits, rows }, counterexample: textOf(problems) };
  },
  years: async (_seed, limitMs) => {
    const untilMs = Date.now() + limitMs;
    const found = await yearsOfSyncs(3 * 365, 3_600_000, () => Date.now() >= untilMs);
    const [, { stateBytes }] = found.samples;
    return { figures: { syncs: found.syncs, stateBytes }, counterexample: textOf(expectBounded(found)) };
  },
  faults: async (seed, limitMs) => {
    const untilMs = Date.now() + limitMs;
    const { problems, syncs, faults, failed } = await faultRounds({ seed, isOver: () => Date.now() >= untilMs });
    return { figures: { syncs, faults, failed }, counterexample: textOf(problems) };
  },
  crash: async (seed, limitMs) => {
    const beginMs = Date.now();
    let kills = 0;
    let compared = 0;
    for (const [index, { store, commands }] of killedWorlds.entries()) {
      const untilMs = beginMs + (limitMs * (index + 1)) / killedWorlds.length;
      const found = await crashRounds({ store, commands, seed: seed + index, untilMs });
      kills += found.kills;
      compared += found.executions;
      if (found.failures.length > 0) {
        return { figures: { kills, compared }, counterexample: textOf(found.failures) };
      }
    }
    return { figures: { kills, compared }, counterexample: null };
  },
};

const killedWorlds = [
  { store: 'file', commands: syncCommands },
  { store: 's3', commands: syncCommands },
  { store: 'file', commands: backfillCommands },
  { store: 's3', commands: backfillCommands },
] as const;

function textOf(problems: readonly string[]): string | null {
  return problems.length === 0 ? null : problems.join('\n');
}
