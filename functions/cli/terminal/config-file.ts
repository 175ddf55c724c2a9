/** The config file: JSON with comments and trailing commas allowed, checked by `parseConfig`. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import stripJsonComments from 'strip-json-comments';
import { type Config, parseConfig } from '../../config.ts';
import { ConfigError } from '../../errors.ts';
import { showTimesIn } from './formats.ts';

/**
 * Reads and checks the config. Relative paths in it are taken from the config file's folder, wherever the command runs; from now on
 * times are shown in its zone.
 *
 * @throws ConfigError if it cannot be read, is not JSON, or does not say what a config has to say
 */
export async function loadConfig(path: string): Promise<Config> {
  const config = parseConfig(configValue(await readText(path), path), path);
  showTimesIn(config.partitionTimeZone);
  const folder = dirname(resolve(path));
  return {
    ...config,
    warehouse: absolute(config.warehouse, folder),
    targets: config.targets.map((target) => ({ ...target, credentials: absolute(target.credentials, folder) })),
  };
}

/** Makes the path of a `file:` reference absolute; others, and standard file URLs, stay. `~` is the home folder. */
function absolute(reference: string, folder: string): string {
  if (!reference.startsWith('file:') || reference.startsWith('file://')) {
    return reference;
  }
  const path = reference.slice('file:'.length);
  const home = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
  return `file:${resolve(folder, home)}`;
}

/**
 * Parses the text of a config file, JSON with comments and trailing commas.
 *
 * @param origin how to call the text in a message
 * @throws ConfigError for wrong syntax
 */
export function configValue(text: string, origin: string): unknown {
  const json = stripJsonComments(text.replace(/^\uFEFF/, ''), { trailingCommas: true });
  try {
    return JSON.parse(json);
  } catch {
    throw new ConfigError(`${origin} is not JSON: the syntax is wrong at ${placeOfFault(json)}`, {
      remedy: 'Correct it there; comments and trailing commas are allowed.',
    });
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
    if (code === 'ENOENT') {
      throw new ConfigError(`there is no config file ${path}`, {
        remedy:
          'Create one with "dqsync init", or name yours with --config or DQSYNC_CONFIG_FILE. "dqsync demo" works without one.',
        code,
      });
    }
    throw new ConfigError(`the config file ${path} cannot be read`, {
      remedy: 'Name a file that can be read with --config.',
      code,
    });
  }
}

/** Where the syntax breaks. The parser's own words are not shown: they quote the text, which may hold a secret by mistake. */
function placeOfFault(json: string): string {
  let good = 0;
  let bad = json.length + 1;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (couldGoOn(json.slice(0, middle))) {
      good = middle;
    } else {
      bad = middle;
    }
  }
  const lines = json.slice(0, good).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

/** Whether a text is JSON, or could become JSON by what follows: then the parser complains of its end. */
function couldGoOn(prefix: string): boolean {
  try {
    JSON.parse(prefix);
    return true;
  } catch (cause) {
    const complaint = cause instanceof SyntaxError ? cause.message : '';
    const position = / at position (\d+)/.exec(complaint)?.[1];
    return position === undefined ? complaint.startsWith('Unexpected end') : Number(position) >= prefix.length;
  }
}
