/**
 * Scripts that complete `dqsync` in a shell: commands, options, and the values of options that have a fixed set.
 * Generated from the commands themselves.
 */
import type { Command, Option } from 'commander';

/** The supported shells. */
export const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** Prints the script for a shell. */
export async function completion(shell: Shell, _options: unknown, { parent }: Command): Promise<number> {
  process.stdout.write(parent === null ? '' : completionScript(shell, parent));
  return 0;
}

/** Returns the script for a shell. */
export function completionScript(shell: Shell, { commands }: Command): string {
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

/** Returns what completes the argument of a command; that of `help` is a command. */
function wordsOf(command: Command, commands: readonly Command[]): readonly string[] {
  return command.name() === 'help'
    ? commands.map((each) => each.name())
    : command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
}

function optionsOf(command: Command): readonly Option[] {
  return [...command.options, command.createOption('-h, --help', 'display help for command')];
}

/** Returns the values of an option; empty for any value, null if it has none. */
function valuesOf({ required, optional, argChoices = [] }: Option): readonly string[] | null {
  return required || optional ? argChoices : null;
}

function takesFile({ flags }: Option): boolean {
  return /<(file|path)>/.test(flags);
}

function bashScript(commands: readonly Command[]): string {
  // A name may contain spaces. `compopt` adds the slash after a folder; bash 3.2 of macOS does not have it.
  const files = `compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$current"))`;
  const reply = (values: readonly string[]): string => `COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$current"))`;
  const valueCases = commands.flatMap((command) =>
    optionsOf(command).flatMap((option) => {
      const flags = [option.long, option.short].filter((flag) => flag !== undefined);
      const patterns = flags.map((flag) => `'${command.name()} ${flag}'`).join('|');
      const values = valuesOf(option);
      return values === null ? [] : [`    ${patterns}) ${takesFile(option) ? files : reply(values)}; return ;;`];
    }),
  );
  const optionCases = commands.map((command) => {
    const words = [...wordsOf(command, commands), ...optionsOf(command).map(({ long = '' }) => long)];
    return `    ${command.name()}) ${reply(words)} ;;`;
  });
  return `# Completion of dqsync.
_dqsync() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    ${reply(commands.map((command) => command.name()))}
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

function fishScript(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const name = command.name();
    const after = `complete -c dqsync -n '__fish_seen_subcommand_from ${name}'`;
    const words = wordsOf(command, commands);
    return [
      `complete -c dqsync -n __fish_use_subcommand -a ${name} -d ${described(command.description())}`,
      ...(words.length === 0 ? [] : [`${after} -a '${words.join(' ')}'`]),
      ...optionsOf(command).map((option) => `${after} ${fishOption(option)}`),
    ];
  });
  return `# Completion of dqsync for fish.\ncomplete -c dqsync -f\n${lines.join('\n')}\n`;
}

function fishOption(option: Option): string {
  const { long = '', short, description } = option;
  const values = valuesOf(option);
  return [
    `-l ${long.slice(2)}`,
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    ...(values === null ? [] : [takesFile(option) ? '-r -F' : '-x']),
    ...(values === null || values.length === 0 ? [] : [`-a '${values.join(' ')}'`]),
    `-d ${described(description)}`,
  ].join(' ');
}

/** Returns the first sentence of a string in single quotes. */
function described(text: string): string {
  return `'${(text.split(/[.;:](?:\s|$)/)[0] ?? text).replaceAll("'", '’')}'`;
}
