/** Rounds of three concurrent runs, each in a new world. One of the runs may stall until the others have ended. */
import { dayMs, hourMs, openProofWorld, type ProofWorld, type RunOptions } from '../proof-world.ts';
import { endQuietly } from '../quiet-end.ts';
import { stalledRun } from './stalled-run.ts';

/** Figures, added up over rounds. */
export interface RaceFigures {
  readonly rounds: number;
  readonly runs: number;
  readonly commits: number;
  readonly rows: number;
  /** Violations, with the seed of their world. */
  readonly problems: readonly string[];
}

/** Runs rounds until one finds a problem or `isOver` returns true. */
export async function raceRounds(seed: number, isOver: () => boolean): Promise<RaceFigures> {
  const figures = { rounds: 0, runs: 0, commits: 0, rows: 0 };
  let problems: string[] = [];
  for (let round = 0; problems.length === 0 && !isOver(); round += 1) {
    const world = await openProofWorld({ seed: seed + round });
    try {
      problems = (await race(world)).map((problem) => `seed ${seed + round}: ${problem}`);
      figures.rounds += 1;
      figures.runs += 3;
      figures.commits += world.auditor.commits;
      figures.rows += world.auditor.rows;
    } finally {
      await world.close();
    }
  }
  return { ...figures, problems };
}

async function race(world: ProofWorld): Promise<string[]> {
  const { simulator, clock, random } = world;
  const nowMs = clock.now();
  simulator.life.addMany(random.between(100, 3000), { fromMs: nowMs - 10 * dayMs, toMs: nowMs });
  const open = simulator.life.addExecution({ startTimeMs: nowMs - 2 * hourMs, runStatus: 'RUNNING' });
  simulator.traps.afterPage = () => clock.advance(random.between(0, 40_000));
  const window = { fromMs: nowMs - 9 * dayMs, toMs: nowMs - hourMs };
  const anyRun = (): RunOptions => ({
    isJittery: true,
    backfill: random.chance(0.5) ? { window, again: random.chance(0.3) } : undefined,
  });
  const zombie = random.chance(0.5) ? await stalledRun(world, random.pick(['data', 'checkpoint']), anyRun()) : null;
  const compact = () => world.compact({ isJittery: true });
  await Promise.all([world.run(anyRun()), world.run(anyRun()), compact(), compact()]);
  clock.advance(random.between(0, 3) * hourMs);
  simulator.life.finish(open.id, 'FAILED');
  await world.run();
  await zombie?.wake();
  await world.compact();
  return await endQuietly(world);
}
