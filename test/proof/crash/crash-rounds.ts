/**
 * Kills processes at every step in turn, or at random times. Each round ends with a run that is not killed and a
 * comparison with the source. The soak calls these functions with a seed and a time limit.
 */
import { type CrashWorld, type CrashWorldOptions, type Kill, openCrashWorld } from './crash-world.ts';
import { type CrashFigures, noFigures } from './ledger.ts';

/** Steps of one kind. A process is killed at each moment of each step; during a write to a file also `within` it. */
export interface Steps {
  readonly at: 'request' | 'file-step';
  readonly moments: readonly ('before' | 'after')[];
}

/** Options of a sweep over every step. */
export interface SweepOptions extends CrashWorldOptions {
  readonly steps: Steps;
  /**
   * `first`: every run syncs into an empty warehouse. `next`: all runs sync changes of the source into the same one.
   */
  readonly runs: 'first' | 'next';
  /** Tests every `stride`-th step, beginning with the first. Default: each. */
  readonly stride?: number;
}

/** The result of a sweep. */
export interface SweepResult extends CrashFigures {
  /** Number of steps of a run. */
  readonly steps: number;
  /** The steps at which processes were killed, as they printed them. */
  readonly hit: readonly string[];
}

/** Kills a run at its first step, then one at its second, and so on, until a run ends before it is killed. */
export async function crashAtEveryStep(options: SweepOptions): Promise<SweepResult> {
  const figures = noFigures();
  const hit: string[] = [];
  const kills = killsOf(options);
  const sweep = async (seed: number): Promise<void> => {
    // With results, the number of steps would grow with the sweep: each first sync would fetch the results of all
    // failures so far.
    const results = options.runs === 'first' ? 'none' : 'failed';
    const world = await openCrashWorld({ ...options, results, seed });
    try {
      if (options.runs === 'next') {
        await finish(world, figures, 'at the beginning');
      }
      for (let kill = kills.next(); kill !== null; kill = kills.next()) {
        if (options.runs === 'first') {
          await world.empty();
        }
        await world.stir();
        const said = await killOnce(world, kill, figures);
        kills.report(kill, said);
        hit.push(...(said ?? []));
        await finish(world, figures, describe(kill));
      }
    } finally {
      await world.close();
    }
  };
  await Promise.all([1, 2].map(sweep));
  return { ...figures, steps: kills.steps(), hit };
}

/** Options of kills at random times. */
export interface RoundsOptions extends CrashWorldOptions {
  /** Ends after this number of kills. */
  readonly kills?: number;
  /** Ends at this instant. */
  readonly untilMs?: number;
}

/**
 * Kills a large first sync (or the command of `commands`) at random times, up to four times in a row, and lets the next
 * one end. Then changes the source and does the same with the following sync. Then begins again with an empty
 * warehouse.
 */
export async function crashRounds(options: RoundsOptions): Promise<CrashFigures> {
  const figures = noFigures();
  const world = await openCrashWorld({ executions: 25_000, ...options });
  const isOver = (): boolean =>
    figures.kills >= (options.kills ?? Number.POSITIVE_INFINITY) ||
    Date.now() >= (options.untilMs ?? Number.POSITIVE_INFINITY) ||
    figures.failures.length > 0;
  try {
    let usualMs = 1_500;
    for (let round = 1; !isOver(); round += 1) {
      await world.empty();
      usualMs = await killRepeatedly(world, figures, `round ${round}, first run`, usualMs, isOver);
      await world.stir();
      await killRepeatedly(world, figures, `round ${round}, next run`, 700, isOver);
    }
  } finally {
    await world.close();
  }
  return figures;
}

/** Returns how long the run that was not killed took, as an estimate for the next one. */
async function killRepeatedly(
  world: CrashWorld,
  figures: CrashFigures,
  when: string,
  usualMs: number,
  isOver: () => boolean,
): Promise<number> {
  const most = world.random.between(1, 4);
  for (let time = 1; time <= most && !isOver(); time += 1) {
    const kill = randomKill(world, usualMs);
    await killOnce(world, kill, figures, `${when}, ${describe(kill)}`);
  }
  return await finish(world, figures, when);
}

function randomKill({ random, store }: CrashWorld, usualMs: number): Kill {
  const at = random.pick(
    store === 'file' ? (['time', 'request', 'file-step'] as const) : (['time', 'request'] as const),
  );
  switch (at) {
    case 'time':
      return { at, ms: random.between(150, Math.round(usualMs)) };
    case 'request':
      return { at, n: random.between(1, usualMs > 1_000 ? 280 : 10), moment: random.pick(['before', 'after']) };
    case 'file-step':
      return {
        at,
        n: random.between(1, usualMs > 1_000 ? 120 : 20),
        moment: random.pick(['before', 'within', 'after']),
      };
  }
}

/** Returns the steps that the killed process printed; null if it ended before the kill. */
async function killOnce(
  world: CrashWorld,
  kill: Kill,
  figures: CrashFigures,
  when = describe(kill),
): Promise<string[] | null> {
  const run = await world.runKilled(kill);
  if (!run.wasKilled) {
    if (run.exitCode !== 0) {
      figures.failures.push(`${when}: not killed, but ended with ${run.exitCode}: ${run.stderr}${run.stdout}`);
    }
    return null;
  }
  await world.ledger.afterKill(await world.contents(), figures, when);
  return [...run.stderr.matchAll(/^killed .*?: (.+)$/gm)].map(([, what]) => what ?? '');
}

async function finish(world: CrashWorld, figures: CrashFigures, when: string): Promise<number> {
  const { runs, tookMs } = await world.finish();
  for (const { exitCode, stdout, stderr } of runs) {
    if (exitCode !== 0) {
      figures.failures.push(`${when}: the run after it ended with ${exitCode}: ${stderr}${stdout}`);
    }
  }
  await world.ledger.afterFinish(await world.contents(), figures, when);
  return tookMs;
}

/** Distributes kills over several worlds, step by step, until a run ends before its kill. */
function killsOf({ steps: { at, moments }, stride = 1 }: SweepOptions) {
  let n = 1 - stride;
  let lastStep = Number.POSITIVE_INFINITY;
  const waiting: Kill[] = [];
  return {
    next: (): Kill | null => {
      if (waiting.length === 0) {
        n += stride;
        waiting.push(...moments.map((moment): Kill => ({ at, n, moment })));
      }
      return n > lastStep ? null : (waiting.shift() ?? null);
    },
    /** Takes the steps that the killed process printed; null if it ended before the kill. */
    report: (kill: Kill, said: readonly string[] | null): void => {
      if (kill.at === 'time') {
        return;
      }
      if (said === null) {
        lastStep = Math.min(lastStep, kill.n - 1);
      } else if (kill.moment === moments[0] && said.some((what) => what.startsWith('write '))) {
        waiting.unshift({ at: 'file-step', n: kill.n, moment: 'within' });
      }
    },
    steps: () => lastStep,
  };
}

function describe(kill: Kill): string {
  return kill.at === 'time' ? `killed after ${kill.ms} ms` : `killed ${kill.moment} ${kill.at} ${kill.n}`;
}
