/** Opens the config and the connections for commands that only read and print. */
import type { Config, TargetConfig } from '../../config.ts';
import type { Connections } from '../../connect.ts';
import { selectTargets } from '../../sync/targets.ts';
import { loadConfig } from './config-file.ts';
import type { OutputOptions } from './output.ts';
import { noteQuotaWait, openPacedConnections } from './paced-connections.ts';

/** The options of every command about targets. */
export interface TargetOptions extends OutputOptions {
  readonly config: string;
  /** Names; empty for all targets. */
  readonly target: readonly string[];
}

/** The config, the targets that the options name, and connections without a log. */
export interface OpenTargets extends Connections {
  readonly config: Config;
  readonly targets: readonly TargetConfig[];
}

/** @throws ConfigError */
export async function openTargets(options: Pick<TargetOptions, 'config' | 'target'>): Promise<OpenTargets> {
  const config = await loadConfig(options.config);
  const targets = selectTargets(config, options.target);
  const connections = await openPacedConnections(config, () => undefined);
  noteQuotaWait(connections);
  return { config, targets, ...connections };
}
