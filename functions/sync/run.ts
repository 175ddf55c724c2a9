/** One run over all targets, one after the other. A failed target never stops the others. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { watermarkOf } from '../checkpoint/coverage.ts';
import { recordRun } from '../checkpoint/run-history.ts';
import { type Clock, newRunId } from '../clock.ts';
import type { Config, TargetConfig } from '../config.ts';
import { executionKey, type Log, type Observation } from '../model.ts';
import type { Source } from '../source/client.ts';
import { type Store, waitedForUntil } from '../warehouse/store.ts';
import { runBackfill } from './backfill.ts';
import type { BackfillTask } from './backfill-task.ts';
import { openBudget } from './budget.ts';
import { warnOfSkew } from './clock-skew.ts';
import { type Estimate, estimateBackfill } from './estimate.ts';
import { gapsToFill } from './gaps.ts';
import { runIncremental } from './incremental.ts';
import { runMaintenance } from './maintain.ts';
import type { Announce } from './outcomes/outcome-changes.ts';
import { ResultsBacklog } from './results/backlog.ts';
import { endedRecord } from './run-record.ts';
import { fetchResultsOf, fillGapsOf, hasMore, type SyncedTarget } from './spare-time.ts';
import type { Summary } from './summary.ts';
import { type TargetOutcome, untouchedOutcome } from './summary.ts';
import type { Progress, SyncSettings, TargetRun } from './target-run.ts';
import { selectTargets, settingsOf, targetOf } from './targets.ts';
import { observeTasks } from './tasks/observe-tasks.ts';

type Connect = (target: TargetConfig, signal: AbortSignal, timeLeftMs?: () => number) => Source;

/** The arguments of a run. */
export interface Run {
  readonly config: Config;
  /** Names of the targets to run; undefined for all. */
  readonly targets?: readonly string[] | undefined;
  /** The task of a backfill; undefined for an incremental sync or the maintenance. */
  readonly backfill?: BackfillTask | undefined;
  /** Whether to run the maintenance instead of the incremental sync. */
  readonly isMaintenance?: boolean;
  readonly store: Store;
  readonly connect: Connect;
  /** Connects for work that leaves part of the quota to others: a backfill, the maintenance. Default: `connect`. */
  readonly connectYielding?: Connect | undefined;
  readonly clock: Clock;
  /** Milliseconds that this run may take; infinite for no limit. */
  readonly limitMs: number;
  /** Aborts with a StoppedError to make the run commit and end. */
  readonly stop: AbortSignal;
  readonly log: Log;
  readonly onProgress: (progress: Progress) => void;
  /** Announces changes of tasks' outcomes after an incremental sync; undefined if nobody subscribes. */
  readonly announce?: Announce | undefined;
  /** Called when the run of a target has ended. `tookMs` is the target's own time in milliseconds. */
  readonly onTargetDone?: ((outcome: TargetOutcome, tookMs: number) => void) | undefined;
  /**
   * Notes the executions whose rule results the config asks for, and fetches results when all targets are done: `spare`
   * lets the first sync of a target end soon, `all` uses all the time there is, `note` leaves the fetching to later
   * runs. Undefined: neither, except that a backfill notes the executions that the coming syncs would have read.
   */
  readonly results?: 'spare' | 'all' | 'note' | undefined;
  /** Observes the tasks of each target after its executions. The maintenance does this itself. */
  readonly tasks?: boolean | undefined;
}

/**
 * Runs the incremental sync, the backfill or the maintenance of each target. Returns their summaries in the order of
 * the config.
 *
 * Each target gets an even share of the time left, so that one with years to catch up on does not starve the others. A
 * target is skipped if no time is left or after an interruption.
 *
 * @throws ConfigError for an unknown target name; nothing else
 */
export async function runTargets(run: Run): Promise<Summary[]> {
  const targets = selectTargets(run.config, run.targets);
  const endMs = run.clock.now() + run.limitMs;
  const share = (rest: number): number => (endMs - run.clock.now()) / rest;
  const isLeft = (rest: number): boolean => share(rest) > 0 && !run.stop.aborted;
  const ended: EndedTarget[] = [];
  for (const [index, target] of targets.entries()) {
    const startedAtMs = run.clock.now();
    const rest = targets.length - index;
    const place = { number: index + 1, of: targets.length };
    const onProgress: Run['onProgress'] = (progress) => run.onProgress({ ...progress, place });
    const placed = targets.length > 1 ? { ...run, onProgress } : run;
    // The first reply may have to wait for the quota.
    placed.onProgress({ target: target.name, atMs: null, doneMs: 0, totalMs: 0, rowsRead: 0 });
    const synced: SyncedTarget = isLeft(rest)
      ? await runTarget(placed, target, share(rest))
      : { outcome: notStarted(run, target), backlog: null, gaps: [], task: null };
    const tookMs = run.clock.now() - startedAtMs;
    ended.push({ ...synced, target, tookMs });
    if (!hasMore(synced)) {
      run.onTargetDone?.(synced.outcome, tookMs);
    }
  }
  // Fetches results after all executions, and fills gaps last, so that neither delays the executions of another target.
  for (const [index, one] of ended.entries()) {
    const rest = ended.length - index;
    const { backlog } = one;
    if (backlog !== null && isLeft(rest)) {
      // If there are gaps, results leave them half of the time: missing rows matter as much as missing results.
      const limitMs = one.gaps.length > 0 ? share(rest) / 2 : share(rest);
      one.outcome = await withTargetRun(run, one.target, limitMs, (targetRun) =>
        fetchResultsOf(targetRun, one, backlog, run.results === 'spare'),
      );
    }
  }
  await fillGaps(run, ended, share);
  return ended.map(({ outcome }) => outcome.summary);
}

/** The least time left of a target for which its gaps are filled: a shorter time is not worth a connection. */
const leastFillingMs = 20_000;
/** The least part of a target's share of the time, in runs so short that no target ever has `leastFillingMs` left. */
const leastFillingPart = 0.25;

/** @param share milliseconds for each of the rest of the targets */
async function fillGaps(run: Run, ended: readonly EndedTarget[], share: (rest: number) => number): Promise<void> {
  const leastMs = Math.min(leastFillingMs, (leastFillingPart * run.limitMs) / ended.length);
  for (const [index, one] of ended.entries()) {
    const limitMs = share(ended.length - index);
    if (one.gaps.length > 0 && limitMs < leastMs) {
      run.log(
        'warn',
        'gaps in coverage were not filled, because the run has no time left; a later run tries again. If they remain, raise maxRunSeconds or run "dqsync backfill"',
        { target: one.target.name, gaps: one.gaps.length },
      );
    } else if (one.gaps.length > 0 && !run.stop.aborted) {
      one.outcome = await withTargetRun({ ...run, isYielding: true }, one.target, limitMs, (targetRun) =>
        fillGapsOf(targetRun, one),
      );
    }
    if (hasMore(one)) {
      run.onTargetDone?.(one.outcome, one.tookMs);
    }
  }
}

/**
 * Estimates the backfill of each target. Writes nothing.
 *
 * @throws ConfigError, StateError, SourceError, CredentialsError, StorageError: of the first target that fails
 */
export async function estimateTargets(run: Run, task: BackfillTask): Promise<Estimate[]> {
  const estimates: Estimate[] = [];
  for (const target of selectTargets(run.config, run.targets)) {
    estimates.push(await withTargetRun(run, target, run.limitMs, (targetRun) => estimateBackfill(targetRun, task)));
  }
  return estimates;
}

interface EndedTarget extends Omit<SyncedTarget, 'outcome'> {
  readonly target: TargetConfig;
  outcome: TargetOutcome;
  readonly tookMs: number;
}

async function runTarget(run: Run, target: TargetConfig, limitMs: number): Promise<SyncedTarget> {
  const { backfill, config, results } = run;
  const isNoting = config.results !== 'none' && (results !== undefined || backfill !== undefined);
  const backlog = isNoting ? new ResultsBacklog(config.results) : null;
  return await withTargetRun(run, target, limitMs, async (plainRun) => {
    const targetRun: TargetRun = {
      ...plainRun,
      beforeCheckpoint: (rows, before) =>
        results === undefined
          ? backlog?.note(plainRun, ofComingSyncs(rows, plainRun.settings, before))
          : backlog?.note(plainRun, rows, backfill?.again && results !== 'note'),
    };
    const { runId, clock } = targetRun;
    const task = { runId, mode: modeOf(run), startedAtMs: clock.now(), window: backfill?.window ?? null };
    const ended = await runMode(run, targetRun);
    warnOfSkew(targetRun);
    const outcome = { ...ended, counters: { ...ended.counters, ...backlog?.counters(clock.now()) } };
    await recordRun(targetRun, endedRecord(task, outcome, clock.now()));
    if (run.tasks && outcome.error === null) {
      await observeTasks(targetRun);
    }
    const { error, summary } = outcome;
    // If the instance list cannot be read, the results cannot either.
    const isReachable = (error === null || error.kind === 'incomplete') && summary.waitingFor === undefined;
    const isSynced = task.mode === 'incremental' && summary.done;
    const isFetching = results !== undefined && results !== 'note';
    const gaps = isSynced ? gapsToFill(targetRun, outcome.checkpoint) : [];
    return { outcome, backlog: isReachable && isFetching ? backlog : null, gaps, task };
  });
}

/**
 * Returns the rows of a backfill that lie where the next syncs read. Those syncs find them unchanged and do not note
 * their results, so the backfill notes them.
 */
function ofComingSyncs(
  rows: readonly Observation[],
  { initialFromMs, lookbackMs }: SyncSettings,
  before: Checkpoint,
): Observation[] {
  const fromMs = (watermarkOf(before) ?? initialFromMs) - lookbackMs;
  const openKeys = new Set(
    before.open.filter(({ awaits }) => awaits === 'outcome').map(({ execution }) => executionKey(execution)),
  );
  return rows.filter((row) => row.startTimeMs >= fromMs || openKeys.has(executionKey(row)));
}

async function runMode({ backfill, isMaintenance }: Run, targetRun: TargetRun): Promise<TargetOutcome> {
  if (backfill !== undefined) {
    return await runBackfill(targetRun, backfill);
  }
  return await (isMaintenance ? runMaintenance(targetRun) : runIncremental(targetRun));
}

function modeOf({ backfill, isMaintenance }: Run): Summary['mode'] {
  if (backfill !== undefined) {
    return 'backfill';
  }
  return isMaintenance ? 'maintain' : 'incremental';
}

function notStarted(run: Run, { name }: TargetConfig): TargetOutcome {
  const { stop, log } = run;
  if (stop.aborted) {
    log('info', 'not started: the run was interrupted', { target: name });
  } else {
    log('warn', 'not started: the targets before it used up the time limit', { target: name });
  }
  return untouchedOutcome(name, modeOf(run));
}

async function withTargetRun<T>(
  run: Run & { readonly isYielding?: boolean },
  targetConfig: TargetConfig,
  limitMs: number,
  work: (targetRun: TargetRun) => Promise<T>,
): Promise<T> {
  const budget = openBudget(run.clock, limitMs, run.stop);
  const isYielding = run.isYielding ?? modeOf(run) !== 'incremental';
  const connect = isYielding ? (run.connectYielding ?? run.connect) : run.connect;
  const source = connect(targetConfig, budget.signal, budget.remainingMs);
  const settings = settingsOf(run.config);
  try {
    return await work({
      runId: newRunId(run.clock),
      target: targetOf(targetConfig),
      settings: isYielding ? yielding(settings, run.config) : settings,
      source,
      store: waitedForUntil(run.store, budget.hardStop),
      clock: run.clock,
      budget,
      log: run.log,
      onProgress: run.onProgress,
      announce: run.announce,
    });
  } finally {
    budget.close();
    await source.close();
  }
}

/** Limits a backfill or the maintenance to its share of the quota. */
function yielding(settings: SyncSettings, { source: { quota } }: Config): SyncSettings {
  return { ...settings, requestsPerSecond: settings.requestsPerSecond * (1 - quota.reservedForSync) };
}
