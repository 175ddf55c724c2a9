/** The config file: JSON with comments and trailing commas allowed, checked by `parseConfig`. */
import { readFile } from 'node:fs/promises';
import { type ParseError, parse } from 'jsonc-parser';
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
  const json = text.replace(/^\uFEFF/, '');
  const errors: ParseError[] = [];
  const value: unknown = parse(json, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined) {
    // The text itself is not quoted: it may hold a secret by mistake.
    const lines = json.slice(0, first.offset).split('\n');
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
    throw new ConfigError(`${path} is not JSON: the syntax is wrong at ${place}`, {
      remedy: 'Fix it there; comments and trailing commas are allowed.',
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
