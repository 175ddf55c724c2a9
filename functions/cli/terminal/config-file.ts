/** The config file: JSON with comments and trailing commas allowed, checked by `parseConfig`. */
import { readFile } from 'node:fs/promises';
import stripJsonComments from 'strip-json-comments';
import { type Config, parseConfig } from '../../config.ts';
import { ConfigError } from '../../errors.ts';

/** The least a config has to say; shown to who has none. */
const minimalConfig = {
  source: { endpoint: 'https://dayu.ap-southeast-3.myhuaweicloud.com' },
  targets: [
    { name: 'sales', projectId: '<project id>', workspace: '<workspace id>', credentials: 'file:./secret.json' },
  ],
  initialFrom: '2026-01-01T00:00:00Z',
};

/**
 * Reads and checks the config.
 *
 * @throws ConfigError if it cannot be read, is not JSON, or does not say what a config has to say
 */
export async function loadConfig(path: string): Promise<Config> {
  const text = await readText(path);
  const json = stripJsonComments(text.replace(/^\uFEFF/, ''), { trailingCommas: true });
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new ConfigError(`${path} is not JSON: the syntax is wrong at ${placeOfFault(json)}`, {
      remedy: 'Mend it there; comments and trailing commas are allowed.',
    });
  }
  return parseConfig(value, path);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
    if (code === 'ENOENT') {
      throw new ConfigError(`there is no config file ${path}`, {
        remedy: `Name yours with --config, run "dqsync demo" to try without one, or start from this: ${JSON.stringify(minimalConfig)}`,
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
