/** How commands are defined, and the options that several of them share. */
import { type AddHelpTextContext, type Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { lengthOfTime } from '../time-range.ts';
import { setVerbosity } from './terminal/output.ts';

/** Receives the exit code of a command. */
export type Finish = (exitCode: number) => void;

/** Adds a command to the program. */
export type AddCommand = (program: Command, finish: Finish) => void;

/** A command. `Args` are its arguments, then its options. */
interface Definition<Args extends unknown[]> {
  readonly usage: string;
  readonly description: string;
  readonly examples: readonly string[];
  /** For an argument that `usage` cannot describe. */
  readonly argument?: Argument;
  readonly options?: readonly Option[];
  /** Text below the examples. Its line breaks do not count; an empty line starts a paragraph. */
  readonly remarks?: string;
  /** Loads the code, only when the command runs, so that help and usage errors appear immediately. */
  readonly load: () => Promise<(...args: Args) => Promise<number>>;
}

/** Defines a command with the common parts of its help and the common options. */
export function command<Args extends unknown[]>(definition: Definition<Args>): AddCommand {
  const { usage, description, examples, argument, options = [], remarks, load } = definition;
  return (program, finish) => {
    const added = program
      .command(usage)
      .description(description)
      .option('-q, --quiet', 'print only results and errors: no progress, no notes')
      .option('-v, --verbose', 'also log each commit and unusual events; show details')
      .option('--no-color', 'disable colors, like NO_COLOR; pipes have none unless FORCE_COLOR is set')
      .hook('preAction', (_, action) => setVerbosity(action.opts()))
      .addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`)
      .action(async (...args: Args) => finish(await (await load())(...args)));
    added.showHelpAfterError(`Run "dqsync ${added.name()} --help" to see what is allowed.`);
    if (argument !== undefined) {
      added.addArgument(argument);
    }
    for (const option of options) {
      added.addOption(option);
    }
    if (remarks !== undefined) {
      added.addHelpText('after', paragraphs(remarks));
    }
  };
}

/** Columns of help in a pipe, as of commander's own text. */
const pipeColumns = 80;

/** Returns text for `addHelpText`, wrapped to the width of the terminal. See `remarks`. */
export function paragraphs(text: string): (context: AddHelpTextContext) => string {
  return ({ command: shown }) => {
    const columns = shown.configureOutput().getOutHelpWidth?.() ?? pipeColumns;
    const wrapped = text
      .trim()
      .split('\n\n')
      .map((each) => shown.createHelp().boxWrap(each.replaceAll('\n', ' '), columns));
    return `\n${wrapped.join('\n\n')}`;
  };
}

/** The option for the config file. */
export const configOption: Option = new Option('-c, --config <file>', 'the config file, JSON with comments')
  .env('DQSYNC_CONFIG_FILE')
  .default('dqsync.json');

/** The options for the config file and for targets, which may be repeated. */
export const targetOptions: readonly Option[] = [
  configOption,
  new Option('-t, --target <name...>', 'use only these targets').default([], 'all targets'),
];

/** What options accept that take a time. */
export const timeForms =
  'a day (from midnight) or "2026-01-31 08:00" in partitionTimeZone, an ISO instant, or relative: 7d, 12h, yesterday';

/** The option that prints one line for each value. */
export const verticalOption = new Option('--vertical', 'print one line for each value');

/**
 * The option for JSON output.
 *
 * @param what description of the document
 */
export function jsonOption(what: string): Option {
  return new Option('--json', `${what}; logs go to stderr`);
}

/** The option for a length of time, which is parsed to milliseconds. It may be limited to `most`. */
export function ageOption(flags: string, description: string, preset: string, most?: string): Option {
  const mostMs = most === undefined ? null : lengthOfTime(most);
  const parse = (text: string): number => {
    const ms = lengthOfTime(text);
    if (ms === null || ms > (mostMs ?? ms)) {
      const limit = most === undefined ? '' : ` of at most ${most}`;
      throw new InvalidArgumentError(`It must be a length of time${limit}, for example 90m, 3h or 2d.`);
    }
    return ms;
  };
  return new Option(flags, description).argParser(parse).default(parse(preset), preset);
}

/** The option for a whole number from `least` to `most`. */
export function numberOption(
  flags: string,
  description: string,
  least: number,
  preset: number,
  most = Number.MAX_SAFE_INTEGER,
): Option {
  return new Option(flags, description).default(preset).argParser((text: string) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      const limit = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
      throw new InvalidArgumentError(`It must be a whole number from ${least}${limit}.`);
    }
    return value;
  });
}
