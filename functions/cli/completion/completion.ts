/**
 * Scripts that complete `dqsync` in a shell: commands, options, and the values of options that have a fixed set.
 * Generated from the commands themselves.
 */
import type { Command, Option } from 'commander';

/** The supported shells. */
export const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** The parts of a command that a shell completes. */
interface Completed {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** Values of its argument; empty for any value, or without one. */
  readonly words: readonly string[];
}

interface CompletedOption {
  readonly long: string;
  readonly short: string | null;
  readonly description: string;
  /** The option's values; empty for any value, null if it has none. */
  readonly values: readonly string[] | null;
  readonly isFile: boolean;
}

/** Prints the script for a shell. */
export async function completion(shell: Shell, _options: unknown, { parent }: Command): Promise<number> {
  process.stdout.write(parent === null ? '' : completionScript(shell, parent));
  return 0;
}

/** Returns the script for a shell. */
export function completionScript(shell: Shell, program: Command): string {
  const names = program.commands.map((command) => command.name());
  const commands = program.commands.map((command) => completed(command, command.name() === 'help' ? names : []));
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      // zsh runs completions of bash.
      return `autoload -Uz bashcompinit && bashcompinit\n${bashScript(commands)}`;
    case 'fish':
      return fishScript(commands);
  }
}

/** @param names words that complete its argument beside its choices */
function completed(command: Command, names: readonly string[]): Completed {
  const options = [...command.options, command.createOption('-h, --help', 'display help for command')];
  const description = firstSentence(command.description());
  const words = [...names, ...command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])];
  return { name: command.name(), description, options: options.map(completedOption), words };
}

function completedOption({ long, short, description, argChoices, required, optional, flags }: Option): CompletedOption {
  return {
    long: long ?? '',
    short: short ?? null,
    description: firstSentence(description),
    values: required || optional ? (argChoices ?? []) : null,
    isFile: /<(file|path)>/.test(flags),
  };
}

function firstSentence(text: string): string {
  return text.split(/[.;:](?:\s|$)/)[0] ?? text;
}

function bashScript(commands: readonly Completed[]): string {
  // A name may contain spaces. `compopt` adds the slash after a folder; bash 3.2 of macOS does not have it.
  const files = `compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$current"))`;
  const reply = (values: readonly string[]): string => `COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$current"))`;
  const valueCases = commands.flatMap(({ name, options }) =>
    options.flatMap(({ long, short, values, isFile }) => {
      const patterns = [long, ...(short === null ? [] : [short])].map((flag) => `'${name} ${flag}'`).join('|');
      return values === null ? [] : [`    ${patterns}) ${isFile ? files : reply(values)}; return ;;`];
    }),
  );
  const optionCases = commands.map(
    ({ name, words, options }) => `    ${name}) ${reply([...words, ...options.map(({ long }) => long)])} ;;`,
  );
  return `# Completion of dqsync.
_dqsync() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    ${reply(commands.map(({ name }) => name))}
    return
  fi
  case "$command $before" in
${valueCases.join('\n')}
  esac
  case "$command" in
${optionCases.join('\n')}
  esac
}
complete -F _dqsync dqsync
`;
}

function fishScript(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, description, options, words }) => [
    `complete -c dqsync -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
    ...(words.length === 0
      ? []
      : [`complete -c dqsync -n '__fish_seen_subcommand_from ${name}' -a '${words.join(' ')}'`]),
    ...options.map((option) => `complete -c dqsync -n '__fish_seen_subcommand_from ${name}' ${fishOption(option)}`),
  ]);
  return `# Completion of dqsync for fish.\ncomplete -c dqsync -f\n${lines.join('\n')}\n`;
}

function fishOption({ long, short, description, values, isFile }: CompletedOption): string {
  return [
    `-l ${long.slice(2)}`,
    ...(short === null ? [] : [`-s ${short.slice(1)}`]),
    ...(values === null ? [] : [isFile ? '-r -F' : '-x']),
    ...(values === null || values.length === 0 ? [] : [`-a '${values.join(' ')}'`]),
    `-d ${quoted(description)}`,
  ].join(' ');
}

/** Returns a text in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}
