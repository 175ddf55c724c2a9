/**
 * Kills at every step in turn, and of processes at random times. Each ends with a run that is not killed and a
 * comparison with the source. The soak calls `crashRounds` with a seed and a time limit.
 */
import { type CrashWorld, type CrashWorldOptions, type Kill, openCrashWorld } from './crash-world.ts';
import { type CrashFigures, noFigures } from './ledger.ts';

/** The result of a sweep. */
export interface SweepResult extends CrashFigures {
  /** The last change before each kill. */
  readonly changes: readonly string[];
}

/**
 * Lets a first sync and a later one run to their end, and brings the warehouse into each state in which a kill would
 * have left it. From each, the finishing commands complete the table. A kill loses nothing that the system has been
 * given to write, and frees locks, so the files or objects are all that it leaves; requests to the source change none of
 * them. `crashRounds` kills processes.
 */
export async function crashAtEveryStep(options: Omit<CrashWorldOptions, 'executions'>): Promise<SweepResult> {
  const figures = noFigures();
  const changes: string[] = [];
  const world = await openCrashWorld({ executions: 40, days: 1, ...options });
  try {
    for (const name of ['first', 'next']) {
      for (let changes = name === 'first' ? 0 : 4; changes > 0; changes -= 1) {
        await world.stir();
      }
      const memory = world.ledger.memory();
      const { run, states } = await world.record();
      if (run.exitCode !== 0) {
        figures.failures.push(`the ${name} run ended with ${run.exitCode}: ${run.stderr}${run.stdout}`);
      }
      for (const { change, restore } of states) {
        await restore();
        world.ledger.recall(memory);
        await world.ledger.afterKill(await world.contents(), figures, `${name} run, killed after ${change}`);
        await finish(world, figures, `${name} run, killed after ${change}`);
        changes.push(change);
      }
    }
  } finally {
    await world.close();
  }
  return { ...figures, changes };
}

/** Options of kills at random times. */
export interface RoundsOptions extends Omit<CrashWorldOptions, 'executions'> {
  /** Default 25,000. */
  readonly executions?: number;
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
  const { executions = 25_000 } = options;
  const world = await openCrashWorld({ ...options, executions });
  const first: Extent = { ms: 1_500, requests: Math.ceil(executions / 90), states: 60 + Math.ceil(executions / 400) };
  const isOver = (): boolean =>
    figures.kills >= (options.kills ?? Number.POSITIVE_INFINITY) ||
    Date.now() >= (options.untilMs ?? Number.POSITIVE_INFINITY) ||
    figures.failures.length > 0;
  try {
    for (let round = 1; !isOver(); round += 1) {
      await world.empty();
      first.ms = await killRepeatedly(world, figures, `round ${round}, first run`, first, isOver);
      await world.stir();
      await killRepeatedly(world, figures, `round ${round}, next run`, { ms: 700, requests: 10, states: 20 }, isOver);
    }
  } finally {
    await world.close();
  }
  return figures;
}

/** The times, requests and states of files (at-file-steps.ts) at which a run can be killed. */
interface Extent {
  ms: number;
  readonly requests: number;
  readonly states: number;
}

/** Returns how long the run that was not killed took, as an estimate for the next one. */
async function killRepeatedly(
  world: CrashWorld,
  figures: CrashFigures,
  when: string,
  extent: Extent,
  isOver: () => boolean,
): Promise<number> {
  const most = world.random.between(1, 4);
  for (let time = 1; time <= most && !isOver(); time += 1) {
    const kill = randomKill(world, extent);
    await killOnce(world, kill, figures, `${when}, ${describe(kill)}`);
  }
  return await finish(world, figures, when);
}

function randomKill({ random, store }: CrashWorld, { ms, requests, states }: Extent): Kill {
  const at = random.pick(
    store === 'file' ? (['time', 'request', 'file-state'] as const) : (['time', 'request'] as const),
  );
  switch (at) {
    case 'time':
      return { at, ms: random.between(150, Math.round(ms)) };
    case 'request':
      return { at, n: random.between(1, requests), moment: random.pick(['before', 'after']) };
    case 'file-state':
      return { at, n: random.between(1, states) };
  }
}

async function killOnce(world: CrashWorld, kill: Kill, figures: CrashFigures, when: string): Promise<void> {
  const run = await world.runKilled(kill);
  if (!run.wasKilled) {
    if (run.exitCode !== 0) {
      figures.failures.push(`${when}: not killed, but ended with ${run.exitCode}: ${run.stderr}${run.stdout}`);
    }
    return;
  }
  await world.ledger.afterKill(await world.contents(), figures, when);
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

function describe(kill: Kill): string {
  switch (kill.at) {
    case 'time':
      return `killed after ${kill.ms} ms`;
    case 'request':
      return `killed ${kill.moment} request ${kill.n}`;
    case 'file-state':
      return `killed in state ${kill.n} of its files`;
  }
}
