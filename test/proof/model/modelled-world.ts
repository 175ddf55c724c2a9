/**
 * Performs actions on a world, remembers what has to be true of it, and reports after a quiet end what is not.
 *
 * What the README's guarantees leave out is left out here: what was run again or deleted before a run that ended well
 * saw it, and rows that come into windows older than settle and lookback.
 */
import { containsAny } from '../../../functions/intervals.ts';
import type { BackfillTask } from '../../../functions/sync/backfill-task.ts';
import type { Summary } from '../../../functions/sync/summary.ts';
import { makeTraps } from '../../simulator/traps.ts';
import {
  dayMs,
  hourMs,
  lookbackMs,
  minuteMs,
  openProofWorld,
  type ProofWorld,
  type RunOptions,
  settleMs,
} from '../proof-world.ts';
import { endQuietly, storedViewProblems } from '../quiet-end.ts';
import { type Action, isGlitch, type RunAction } from './actions.ts';
import { changeOne, type Instance, startExecutions } from './instances.ts';

/** What sequences did, added up. */
export interface ModelFigures {
  sequences: number;
  runs: number;
  kills: number;
  commits: number;
  rows: number;
}

/** A world under actions. */
interface Modelled {
  readonly world: ProofWorld;
  /** Instances as the source lists them, or did. */
  readonly instances: Instance[];
  /** What the view must show from then on. */
  readonly mustShow: Set<string>;
  /** When the last sync that ended well began. */
  lastSyncMs: number;
  /** What a backfill that ended well was asked for. */
  readonly backfilled: { fromMs: number; toMs: number }[];
  readonly problems: string[];
  /** Whether syncs observe the tasks. */
  readonly keepsTasks: boolean;
  readonly figures: ModelFigures;
  /** The latest time, by the clock of its machine, at which a run may have written what it did not commit. */
  killedMs: number;
}

/** Figures of nothing. */
export function noModelFigures(): ModelFigures {
  return { sequences: 0, runs: 0, kills: 0, commits: 0, rows: 0 };
}

/** Lets all of it happen in a new world, then quiet. Returns what does not hold, as text. */
export async function performAll(
  actions: readonly Action[],
  seed: number,
  figures: ModelFigures = noModelFigures(),
): Promise<string[]> {
  // Results of every execution cost a request each, so few worlds keep them all.
  const results = seed % 4 === 3 ? 'all' : 'failed';
  // So do the details of every task.
  const keepsTasks = seed % 4 === 1;
  const world = await openProofWorld({ seed, results });
  const { simulator, clock, auditor } = world;
  const beginMs = clock.now();
  const modelled: Modelled = {
    world,
    instances: [],
    mustShow: new Set(),
    lastSyncMs: Number.NEGATIVE_INFINITY,
    backfilled: [],
    problems: [],
    keepsTasks,
    figures,
    killedMs: Number.NEGATIVE_INFINITY,
  };
  simulator.life.addMany(200, { fromMs: beginMs - 9 * dayMs, toMs: beginMs - hourMs });
  simulator.life.addMany(130, { fromMs: beginMs - 50 * hourMs, toMs: beginMs - 50 * hourMs + 1, perMillisecond: 130 });
  try {
    for (const action of actions) {
      // Two states in one millisecond, the earlier written by a run that was killed, could not be distinguished by any
      // reader.
      clock.advance(1);
      await perform(modelled, action);
    }
    const { mustShow, backfilled } = modelled;
    return [
      ...modelled.problems,
      ...(await endQuietly(world, { mustShow, covered: backfilled, results, tasks: keepsTasks })),
    ];
  } finally {
    figures.sequences += 1;
    figures.commits += auditor.commits;
    figures.rows += auditor.rows;
    await world.close();
  }
}

async function perform(modelled: Modelled, action: Action): Promise<void> {
  const { world } = modelled;
  switch (action.do) {
    case 'pass':
      world.clock.advance(action.minutes * minuteMs);
      return;
    case 'start':
      startExecutions(modelled, action);
      return;
    case 'finish':
    case 'notify':
    case 'rerun':
    case 'delete':
      changeOne(modelled, action);
      return;
    case 'traps':
      Object.assign(world.simulator.traps, makeTraps(), action.traps, {
        brokenSpan: action.traps.faults?.some(isGlitch) ? null : world.simulator.traps.brokenSpan,
        afterPage: world.simulator.traps.afterPage,
        rerunEveryNthRequest: world.simulator.traps.rerunEveryNthRequest,
        deleteEveryNthRequest: world.simulator.traps.deleteEveryNthRequest,
      });
      return;
    case 'stir':
      stir(modelled, action);
      return;
    case 'break':
      breakSpan(world, action);
      return;
    case 'rewind':
      await world.rewind(world.clock.now() - action.hours * hourMs);
      return;
    case 'compact':
      await compact(modelled, action);
      return;
    case 'together':
      await runTogether(modelled, action);
      return;
    case 'sync':
    case 'backfill':
      await run(modelled, action, false);
      return;
    default:
      throw new Error(`nobody knows how to do ${action satisfies never}`);
  }
}

function stir({ world }: Modelled, { every, pageMs }: Extract<Action, { do: 'stir' }>): void {
  const { traps } = world.simulator;
  traps.rerunEveryNthRequest = every === null ? null : every * 3;
  traps.deleteEveryNthRequest = every === null ? null : every * 4 + 1;
  traps.afterPage = ({ n, life }) => {
    world.clock.advance(pageMs);
    if (every !== null && n % every === 0) {
      life.addLate((n * 7919) % (settleMs + lookbackMs));
    }
  };
}

/** Not where some replies are wrong: of several tries of a request that fails, one may get a wrong reply each time. */
function breakSpan({ simulator: { traps }, clock }: ProofWorld, action: Extract<Action, { do: 'break' }>): void {
  const fromMs = clock.now() - action.agoMs;
  const isWhole = action.seconds === null || traps.faults.some(isGlitch);
  traps.brokenSpan = isWhole ? null : { fromMs, toMs: fromMs + (action.seconds ?? 0) * 1000 };
}

/** A day may fail: the process is dead, or another compaction was faster. The view may not. */
async function compact({ world, problems }: Modelled, action: Extract<Action, { do: 'compact' }>): Promise<void> {
  const fate: RunOptions['fate'] = ({ n }) => (n === action.dieAt ? action.moment : 'ok');
  await world.compact({ fate });
  problems.push(...(await storedViewProblems(world)));
}

async function runTogether(modelled: Modelled, action: Extract<Action, { do: 'together' }>): Promise<void> {
  const { world } = modelled;
  const rewindHours = isStampedAhead(world) ? null : action.rewindHours;
  // What a killed run wrote, or one whose commit a rewind refuses, is in the table without a commit.
  const isUncommitted = rewindHours !== null || action.runs.some(({ death }) => death !== null);
  const runs = action.runs.map((one) => run(modelled, isUncommitted ? { ...one, aheadMs: 0 } : one, true));
  if (rewindHours !== null) {
    for (let turns = world.random.between(0, 200); turns > 0; turns -= 1) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    await world.rewind(world.clock.now() - rewindHours * hourMs);
  }
  const compactions = Array.from({ length: action.compactions }, () => modelled.world.compact({ isJittery: true }));
  await Promise.all([...runs, ...compactions]);
  modelled.problems.push(...(await storedViewProblems(modelled.world)));
}

async function run(modelled: Modelled, action: RunAction, isTogether: boolean): Promise<void> {
  const { world, figures, backfilled } = modelled;
  const { lostReply } = action;
  const death = isStampedAhead(world) ? null : action.death;
  const aheadMs = clockOff(modelled, action);
  const startedAtMs = world.clock.now() + Math.min(0, aheadMs);
  const backfill = action.do === 'sync' ? undefined : taskOf(world, action);
  const summary = await world.run({
    by: action.do,
    backfill,
    tasks: modelled.keepsTasks && action.do === 'sync',
    isJittery: isTogether,
    aheadMs,
    // As the time budget would: a source with several traps together can cost many requests.
    stopAtPage: 250,
    dieAtPage: death?.at === 'page' ? death.n : undefined,
    fate: ({ n, method }) => {
      if (death?.at === 'store' && death.n === n) {
        return death.moment;
      }
      return n === lostReply && method !== 'get' ? 'lose-reply' : 'ok';
    },
  });
  figures.runs += 1;
  if (death !== null && !summary.done) {
    figures.kills += 1;
    modelled.killedMs = Math.max(modelled.killedMs, world.clock.now() + aheadMs);
  }
  if (summary.done && backfill?.window != null) {
    backfilled.push({
      fromMs: backfill.window.fromMs,
      toMs: Math.min(backfill.window.toMs, startedAtMs - settleMs - lookbackMs),
    });
  }
  if (summary.done && !isTogether && world.simulator.traps.afterPage === null) {
    rememberShown(modelled, summary, startedAtMs);
  }
}

/**
 * Whether new observations get times later than now, because a machine's clock was ahead. What is written then and not
 * committed may hide what follows (PROTOCOL.md, I13), so such runs are neither killed nor met by a rewind here.
 */
function isStampedAhead({ auditor, clock }: ProofWorld): boolean {
  return (auditor.checkpoint?.latestObservedMs ?? 0) > clock.now();
}

/**
 * How far the clock of a run's machine is ahead, within what is promised: not before the time at which a killed run
 * wrote, nor ahead and killed itself; and not ahead together with the source's, where nothing shows the time.
 */
function clockOff({ world, killedMs }: Modelled, { aheadMs, death }: RunAction): number {
  const isTold = aheadMs <= 0 || world.simulator.traps.dateSkewMs <= 0;
  const isAfterKills = world.clock.now() + aheadMs > killedMs;
  return isTold && isAfterKills && (aheadMs <= 0 || death === null) ? aheadMs : 0;
}

/**
 * What is listed after a run that ended well, of what that was to read, the view shows from now on; except for windows
 * that the checkpoint names as unproven.
 *
 * @param startedAtMs by the slower of the true clock and the machine's
 */
function rememberShown(modelled: Modelled, summary: Summary, startedAtMs: number): void {
  const { world, mustShow, problems } = modelled;
  if (summary.from === null || summary.to === null) {
    return;
  }
  if (summary.mode === 'incremental') {
    modelled.lastSyncMs = startedAtMs;
  }
  const fromMs = summary.mode === 'incremental' ? world.initialFromMs : Date.parse(summary.from);
  // Only incremental runs look back at what is covered: a row that came late after the last of them waits for the next.
  const seenToMs =
    summary.mode === 'incremental' ? startedAtMs - settleMs : modelled.lastSyncMs - settleMs - lookbackMs;
  const toMs = Math.max(fromMs, Math.min(Date.parse(summary.to), seenToMs));
  const { executions } = world.simulator.truth(undefined, { fromMs, toMs });
  const shown = new Set(world.auditor.view().map(({ key }) => key));
  const unproven = world.auditor.checkpoint?.unproven ?? [];
  const keys = executions
    .filter(({ startTimeMs }) => !containsAny(unproven, startTimeMs))
    .map(({ id, startTimeMs }) => `${id}@${startTimeMs}`);
  const missing = keys.filter((key) => !shown.has(key));
  if (missing.length > 0) {
    problems.push(`not shown after a ${summary.mode} run that ended well: ${missing.slice(0, 3)}`);
  }
  for (const key of keys) {
    mustShow.add(key);
  }
}

function taskOf(world: ProofWorld, action: Extract<RunAction, { do: 'backfill' }>): BackfillTask {
  if (action.fromHours === null) {
    return { window: null, again: false };
  }
  const fromMs = world.initialFromMs + 3 * dayMs - action.fromHours * hourMs;
  return { window: { fromMs, toMs: fromMs + action.hours * hourMs }, again: action.again };
}
