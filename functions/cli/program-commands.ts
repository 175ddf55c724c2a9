/** The commands about `dqsync` itself. */
import { Argument, type Command } from 'commander';
import { nearest } from '../nearest.ts';
import { command, type Finish } from './command-options.ts';
import { shells } from './completion/completion.ts';

/** Adds `completion` and `help`. */
export function addProgramCommands(program: Command, finish: Finish): void {
  addCompletion(program, finish);
  program
    .command('help [command]')
    .description('Show the commands, or the help of a command.')
    .action((name: string | undefined) => {
      showHelp(program, name);
      finish(0);
    });
}

function addCompletion(program: Command, finish: Finish): void {
  command(program, 'completion', 'Print a script that completes commands and options in a shell.', [
    'source <(dqsync completion bash)    # to keep it, add this line to ~/.bashrc',
    'source <(dqsync completion zsh)     # to keep it: in ~/.zshrc, after compinit',
    'dqsync completion fish > ~/.config/fish/completions/dqsync.fish',
  ])
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .action(async (shell: (typeof shells)[number]) => {
      const { completionScript } = await import('./completion/completion.ts');
      process.stdout.write(completionScript(shell, program));
      finish(0);
    });
}

function showHelp(program: Command, name: string | undefined): void {
  const found = program.commands.find((each) => each.name() === name);
  if (name !== undefined && found === undefined) {
    const names = program.commands.map((each) => each.name());
    const near = nearest(name, names);
    program.error(`error: unknown command '${name}'${near === null ? '' : `\n(Did you mean ${near}?)`}`);
  }
  (found ?? program).outputHelp();
}
