/** The completion scripts. That of bash is run, the others are read. */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeProgram } from '../../../functions/cli/commands.ts';
import { completionScript, shells } from '../../../functions/cli/completion/completion.ts';
import { tempFolder } from '../../support/temp-warehouse.ts';

const program = makeProgram(() => undefined);

/** Returns what bash offers after these words. */
function offered(...words: string[]): string[] {
  const complete = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dqsync; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const script = `${completionScript('bash', program)}\n${complete}`;
  const output = execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' });
  return output.split('\n').filter((word) => word !== '');
}

it.each<[string[], string[]]>([
  [['dqsync', 'quer'], ['query']],
  [['dqsync', 'list', '--run'], ['--run-status']],
  [['dqsync', 'list', '--run-status', 'A'], ['ALARMING']],
  [
    ['dqsync', 'list', '--notify-status', ''],
    ['NOT_TRIGGERED', 'SUCCESS', 'FAILED'],
  ],
  [
    ['dqsync', 'backfill', '--d'],
    ['--dry-run', '--deployed'],
  ],
  [['dqsync', 'list', '--limit', ''], []],
  [
    ['dqsync', 'completion', ''],
    ['bash', 'zsh', 'fish', '--quiet', '--verbose', '--no-color', '--help'],
  ],
  [['dqsync', 'sync', '--config', 'package.j'], ['package.json']],
  [['dqsync', 'sync', '-c', 'package.j'], ['package.json']],
  [['dqsync', 'help', 'verif'], ['verify']],
  [['dqsync', 'nope', '--'], []],
])('completion in bash after %j offers %j', (words, expected) => {
  expect(offered(...words)).toEqual(expected);
});

it('completion in bash offers the name of a file with a space as one word', async () => {
  const folder = await tempFolder();
  await writeFile(join(folder, 'a config.json'), '{}');
  expect(offered('dqsync', 'sync', '--config', `${folder}/a`)).toEqual([join(folder, 'a config.json')]);
});

it.each(shells)('the completion scripts for %s know every command and every option', (shell) => {
  const script = completionScript(shell, program);
  for (const command of program.commands) {
    expect(script).toContain(command.name());
    for (const { long } of command.options) {
      expect(script).toContain(shell === 'fish' ? `-l ${long?.slice(2)}` : long);
    }
  }
  // An unpaired quote would make the shell read beyond the end of the script.
  for (const line of script.split('\n')) {
    expect((line.match(/'/g) ?? []).length % 2).toBe(0);
  }
});
