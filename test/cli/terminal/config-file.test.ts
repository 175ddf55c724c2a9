/** The position of a syntax error in a config, independent of the parser's message. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from '../../../functions/cli/terminal/config-file.ts';
import { tempFolder } from '../../support/temp-warehouse.ts';

it.each([
  ['{"a" 1}', 1, 6],
  ['{"a": [1, 2}', 1, 12],
  ['{"a": tru', 1, 7],
  ['{"a": trux}', 1, 7],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
  ['{"a": -}', 1, 7],
  ['{"a": "\\u12"}', 1, 7],
  ['{"a": "x', 1, 7],
  ['{} more', 1, 4],
  ["{'a': 1}", 1, 2],
])('the error about %s has line %i and column %i', async (text, line, column) => {
  const path = join(await tempFolder(), 'config.json');
  await writeFile(path, text);
  await expect(loadConfig(path)).rejects.toThrow(`the syntax is wrong at line ${line}, column ${column}`);
});

it('an empty path, as of an empty DQSYNC_CONFIG_FILE, is named as such', async () => {
  await expect(loadConfig('')).rejects.toThrow('there is no config file with an empty name');
});

it('a syntax error does not quote the text, which may contain a secret by mistake', async () => {
  const path = join(await tempFolder(), 'config.json');
  await writeFile(path, '{"password": hunter2}');
  await expect(loadConfig(path)).rejects.toThrow(/^(?!.*hunter2).*not JSON/);
});
