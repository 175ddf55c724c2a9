/** Options that several commands share. */
import { type AddHelpTextContext, type Command, InvalidArgumentError, Option } from 'commander';
import { setVerbosity } from './terminal/verbosity.ts';

/** The default path of the config. */
const defaultConfigPath = 'dqsync.json';

/** Receives the exit code of a command. */
export type Finish = (exitCode: number) => void;

/** Adds a command with the common parts of its help. */
export function command(program: Command, usage: string, description: string, examples: readonly string[]): Command {
  const name = usage.split(' ')[0] ?? usage;
  return program
    .command(usage)
    .description(description)
    .showHelpAfterError(`Run "dqsync ${name} --help" to see what is allowed.`)
    .option('-q, --quiet', 'leave out progress and remarks; errors are printed all the same')
    .option('-v, --verbose', 'say in detail what is done')
    .option('--no-color', 'print no colors; so do NO_COLOR and pipes, while FORCE_COLOR prints them anywhere')
    .hook('preAction', (_, action) => setVerbosity(action.opts()))
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`);
}

/** Columns of help in a pipe, as of commander's own text. */
const pipeColumns = 80;

/**
 * Returns text for `addHelpText`, wrapped to the width of the terminal.
 *
 * @param text its line breaks do not count; an empty line starts a paragraph
 */
export function remarks(text: string): (context: AddHelpTextContext) => string {
  return ({ command: shown }) => {
    const columns = shown.configureOutput().getOutHelpWidth?.() ?? pipeColumns;
    const paragraphs = text.trim().split('\n\n');
    return `\n${paragraphs.map((each) => shown.createHelp().boxWrap(each.replaceAll('\n', ' '), columns)).join('\n\n')}`;
  };
}

/** The option for the config file. */
export function configOption(): Option {
  return new Option('-c, --config <file>', 'the config file, JSON with comments')
    .env('DQSYNC_CONFIG_FILE')
    .default(defaultConfigPath);
}

/** The option for targets, which may be repeated. */
export function targetsOption(): Option {
  return new Option('-t, --target <name>', 'only this target; may be given several times')
    .default([], 'all targets')
    .argParser((name: string, names: readonly string[]) => [...names, name]);
}

/**
 * The option for JSON output.
 *
 * @param what description of the document
 */
export function jsonOption(what: string): Option {
  return new Option('--json', `${what}; logs go to stderr`);
}

const ageUnitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses a length of time to milliseconds. */
export function ageMs(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (amount === undefined) {
    throw new InvalidArgumentError('It must be a length of time, for example 90m, 3h or 2d.');
  }
  return Number(amount) * (ageUnitsMs[unit] ?? 0);
}

/** Lets an option be repeated. Each value must be one of `choices`; null accepts any text. */
export function repeatable(option: Option, choices: readonly string[] | null): Option {
  const described = choices === null ? option : option.choices(choices);
  return described.argParser((value: string, values: readonly string[] = []) => {
    if (choices !== null && !choices.includes(value)) {
      throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
    }
    return [...values, value];
  });
}

/** Returns a parser of whole numbers. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number from ${least}.`);
    }
    return value;
  };
}
