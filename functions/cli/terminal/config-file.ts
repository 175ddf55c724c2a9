/** Reads the config file: JSON with comments and trailing commas, checked by `parseConfig`. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Config, parseConfig } from '../../config.ts';
import { configFromText } from '../../config-text.ts';
import { ConfigError } from '../../errors.ts';
import { fileErrorCode } from '../../warehouse/file-errors.ts';
import { showTimesIn } from './formats.ts';

/**
 * Reads and checks the config. Its relative paths are relative to its folder, wherever the command runs. From then on,
 * times are shown in its zone.
 *
 * @throws ConfigError if the file cannot be read, is not JSON, or is not a valid config
 */
export async function loadConfig(path: string): Promise<Config> {
  const text = await readText(path);
  const { value, lineOf } = configFromText(text, path);
  const config = parseConfig(value, path, lineOf);
  showTimesIn(config.partitionTimeZone);
  const folder = dirname(resolve(path));
  return {
    ...config,
    warehouse: absolute(config.warehouse, folder),
    targets: config.targets.map((target) => ({ ...target, credentials: absolute(target.credentials, folder) })),
  };
}

/**
 * Makes the path of a `file:` reference absolute. Other references and standard file URLs stay unchanged. `~` is the
 * home folder.
 */
function absolute(reference: string, folder: string): string {
  if (!reference.startsWith('file:') || reference.startsWith('file://')) {
    return reference;
  }
  const path = reference.slice('file:'.length);
  const home = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
  return `file:${resolve(folder, home)}`;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = fileErrorCode(cause);
    if (code === 'ENOENT') {
      throw new ConfigError(`there is no config file ${path === '' ? 'with an empty name' : path}`, {
        remedy:
          'Create one with "dqsync init", or give its path with --config or DQSYNC_CONFIG_FILE. "dqsync demo" works without one.',
        code,
      });
    }
    throw new ConfigError(`the config file ${path} cannot be read`, {
      remedy: 'Give a readable file with --config.',
      code,
    });
  }
}
