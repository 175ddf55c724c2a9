/** Derives the arguments of a run from the config. Loads little, because status commands use it too. */
import { parseTime } from '../clock.ts';
import type { Config, TargetConfig } from '../config.ts';
import { ConfigError } from '../errors.ts';
import type { Target } from '../model.ts';
import type { SyncSettings } from './target-run.ts';

/**
 * Returns the targets of the given names; all if undefined.
 *
 * @throws ConfigError naming the unknown ones and the existing ones
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

/** Returns the target of an entry in the config. */
export function targetOf({ name, projectId, workspace, filter }: TargetConfig): Target {
  return { name, projectId, workspace, filter };
}

/** Returns the settings of a run from the config. */
export function settingsOf(config: Config): SyncSettings {
  const { quota } = config.source;
  return {
    initialFromMs: parseTime(config.initialFrom) ?? 0,
    settleMs: Math.round(config.settleSeconds * 1000),
    lookbackMs: Math.round(config.lookbackMinutes * 60_000),
    maxOpenMs: Math.round(config.maxOpenDays * 86_400_000),
    partitionTimeZone: config.partitionTimeZone,
    auditMs: config.audit.days * 86_400_000,
    keepsTasks: config.tasks,
    requestsPerSecond: quota.requests / quota.perSeconds,
    maxInFlight: quota.requests,
  };
}
