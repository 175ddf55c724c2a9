/** Derives the arguments of a run from the config. Loads little, because status commands use it too. */
import { parseTime } from '../clock.ts';
import type { Config, TargetConfig } from '../config.ts';
import { ConfigError } from '../errors.ts';
import type { Target } from '../model.ts';
import { nearest } from '../nearest.ts';
import type { SyncSettings } from './target-run.ts';

/**
 * Returns the targets of the given names; all if undefined.
 *
 * @throws ConfigError as `requireTargets` does
 */
export function selectTargets(config: Config, names: readonly string[] | undefined): TargetConfig[] {
  requireTargets(
    names ?? [],
    config.targets.map(({ name }) => name),
    'the config',
  );
  return config.targets.filter((target) => names === undefined || names.length === 0 || names.includes(target.name));
}

/** Maximum number of existing targets in a message. */
const shownTargets = 10;

/**
 * Checks that targets of these names exist.
 *
 * @param where what has the existing ones, for the message
 * @throws ConfigError naming the unknown ones, those that were probably meant, and the existing ones
 */
export function requireTargets(names: readonly string[], existing: readonly string[], where: string): void {
  const unknown = names.filter((name) => !existing.includes(name));
  if (unknown.length === 0) {
    return;
  }
  const meant = new Set(unknown.flatMap((name) => nearest(name, existing) ?? []));
  const question = meant.size === 0 ? '' : `Did you mean ${quoted([...meant])}? `;
  const more = existing.length - shownTargets;
  const shown = existing.slice(0, shownTargets).join(', ');
  throw new ConfigError(`no target of ${where} is named ${quoted(unknown)}`, {
    remedy: `${question}It has: ${shown}${more > 0 ? ` and ${more} more` : ''}.`,
  });
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
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
