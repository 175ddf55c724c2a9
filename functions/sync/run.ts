/** One run over all targets, one by one: the failure of one never stops another. */
import { type Clock, newRunId, parseTime } from '../clock.ts';
import type { Config, TargetConfig } from '../config.ts';
import { ConfigError } from '../errors.ts';
import type { Log, Target } from '../model.ts';
import type { Source } from '../source/client.ts';
import type { Store } from '../warehouse/store.ts';
import { openBudget } from './budget.ts';
import { runIncremental } from './incremental.ts';
import type { Summary } from './plan/summary.ts';
import type { TargetOutcome } from './summarize.ts';
import type { Progress, SyncSettings } from './target-run.ts';

/** What a run is given. */
export interface Run {
  readonly config: Config;
  /** Names of the targets to run; undefined for all. */
  readonly targets?: readonly string[] | undefined;
  readonly store: Store;
  readonly connect: (target: TargetConfig, signal: AbortSignal) => Source;
  readonly clock: Clock;
  /** Milliseconds this run may take; infinite for no limit. */
  readonly limitMs: number;
  /** Aborted with a StoppedError when the run shall commit and end. */
  readonly stop: AbortSignal;
  readonly log: Log;
  readonly onProgress: (progress: Progress) => void;
  /** Told of each target as soon as its run has ended, with `tookMs` milliseconds of its own. */
  readonly onTargetDone?: ((outcome: TargetOutcome, tookMs: number) => void) | undefined;
}

/**
 * Runs the incremental sync of each target and returns their summaries, in the order of the config.
 *
 * Each target may use an even share of the time that is left when its turn comes, so that one with years to catch up on
 * does not starve the others.
 *
 * @throws ConfigError when a target is named that does not exist; nothing else
 */
export async function runTargets(run: Run): Promise<Summary[]> {
  const targets = selectTargets(run.config, run.targets);
  const endMs = run.clock.now() + run.limitMs;
  const summaries: Summary[] = [];
  for (const [index, target] of targets.entries()) {
    const startedAtMs = run.clock.now();
    const shareMs = (endMs - startedAtMs) / (targets.length - index);
    const outcome = await runTarget(run, target, Math.max(0, shareMs));
    summaries.push(outcome.summary);
    run.onTargetDone?.(outcome, run.clock.now() - startedAtMs);
  }
  return summaries;
}

/**
 * The targets of the given names, all for undefined.
 *
 * @throws ConfigError naming the unknown ones and those there are
 */
export function selectTargets(config: Config, names: readonly string[] | undefined): TargetConfig[] {
  const unknown = (names ?? []).filter((name) => !config.targets.some((target) => target.name === name));
  if (unknown.length > 0) {
    throw new ConfigError(`no target is named ${unknown.map((name) => `"${name}"`).join(', ')}`, {
      remedy: `The config has: ${config.targets.map((target) => target.name).join(', ')}.`,
    });
  }
  return config.targets.filter((target) => names === undefined || names.length === 0 || names.includes(target.name));
}

/** A target as the rest of the code sees it, from its entry in the config. */
export function targetOf({ name, projectId, workspace, filter }: TargetConfig): Target {
  return {
    name,
    projectId,
    workspace,
    filter: {
      ...(filter.name === undefined ? {} : { name: filter.name }),
      ...(filter.taskType === undefined ? {} : { taskType: filter.taskType }),
    },
  };
}

/** The config's settings as a run needs them. */
export function settingsOf(config: Config): SyncSettings {
  const { quota, offsetUnit } = config.source;
  return {
    initialFromMs: parseTime(config.initialFrom) ?? 0,
    settleMs: config.settleSeconds * 1000,
    lookbackMs: config.lookbackMinutes * 60_000,
    maxOpenMs: config.maxOpenDays * 86_400_000,
    partitionTimeZone: config.partitionTimeZone,
    offsetUnit,
    requestsPerSecond: quota.requests / quota.perSeconds,
    maxInFlight: quota.requests,
  };
}

async function runTarget(run: Run, targetConfig: TargetConfig, limitMs: number): Promise<TargetOutcome> {
  const budget = openBudget(run.clock, limitMs, run.stop);
  const source = run.connect(targetConfig, budget.signal);
  try {
    return await runIncremental({
      runId: newRunId(run.clock),
      target: targetOf(targetConfig),
      settings: settingsOf(run.config),
      source,
      store: run.store,
      clock: run.clock,
      budget,
      log: run.log,
      onProgress: run.onProgress,
    });
  } finally {
    budget.close();
    await source.close();
  }
}
