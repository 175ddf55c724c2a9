/** The commands of `dqsync`, their options and help. */
import { Argument, Command, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { nearest } from '../nearest.ts';
import { type AddCommand, command, type Finish, jsonOption, paragraphs } from './command-options.ts';
import { shells } from './completion/completion.ts';
import { dataCommands } from './data-commands.ts';
import { questionCommands } from './question-commands.ts';
import { stateCommands } from './state-commands.ts';
import { writeNote } from './terminal/output.ts';

/**
 * Makes the program.
 *
 * @param finish called with the exit code of the command that ran
 */
export function makeProgram(finish: Finish): Command {
  const program = new Command('dqsync')
    .helpCommand(false)
    .description(
      'Copies every execution of every DataArts quality task into a Parquet warehouse, and proves that none is missing.',
    )
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ outputError: (text) => writeNote(text.trimEnd()) })
    .showHelpAfterError('Run "dqsync --help" for the list of commands.')
    .addHelpText(
      'after',
      paragraphs(`
Exit codes: 0 success, 1 a target failed, 2 wrong usage or config, 130 interrupted by Ctrl-C.

Try it without an account: dqsync demo. To sync your own: dqsync init, then dqsync doctor.`),
    );
  for (const add of [...dataCommands, ...stateCommands, ...questionCommands, ...otherCommands]) {
    add(program, finish);
  }
  return program;
}

/** `init`, `smoke`, `demo`, `completion` and `help`. */
const otherCommands: readonly AddCommand[] = [
  command({
    usage: 'init [folder]',
    description: 'Write a config, a template for the credentials and a .gitignore.',
    examples: [
      'dqsync init my-sync',
      'dqsync init my-sync --region ap-southeast-3 --project 0b1c… --workspace 9f2e…',
      'dqsync init --deploy',
    ],
    options: [
      new Option('--region <region>', 'region of DataArts Studio, for example ap-southeast-3'),
      new Option('--project <id>', 'project id'),
      new Option('--workspace <id>', 'workspace id'),
      new Option('--auth <kind>', 'kind of credentials').choices(['aksk', 'password', 'token']),
      new Option('--warehouse <url>', '"file:<folder>" or "s3://<bucket>[/<prefix>]" (default: file:./warehouse)'),
      new Option('--name <name>', 'name of the target (default: main)'),
      new Option('--from <day>', 'first day to sync (default: a week ago)'),
      new Option('--time-zone <zone>', "time zone of the table's days (default: this machine's)"),
      new Option('--deploy', 'in a clone: write dqsync.deploy.json, which "npx cdk deploy" reads'),
    ],
    remarks: 'Asks for missing options. Without a folder, writes to the current one. Never overwrites a file.',
    load: async () => (await import('./init/init-command.ts')).init,
  }),
  command({
    usage: 'smoke <stack>',
    description: 'Test a deployed stack once: a run, conditional writes, queries, and an alarm.',
    examples: ['dqsync smoke dqsync'],
    options: [jsonOption('print one JSON object: whether all checks passed, and each check')],
    remarks: `
Needs AWS credentials that may invoke the function, query the workgroup, read and write the warehouse, and set the state of
an alarm. All subscribers of the alarms get an email. Run it after the first deployment; it costs one run and two queries.`,
    load: async () => (await import('./smoke/smoke-command.ts')).smoke,
  }),
  command({
    usage: 'demo',
    description: 'Try everything without an account, on a simulated source.',
    examples: ['dqsync demo'],
    remarks: 'Writes its config and warehouse to .dqsync/demo, and starts from scratch each time.',
    load: async () => (await import('./demo/demo-command.ts')).demo,
  }),
  command({
    usage: 'completion',
    description: 'Print a script that completes commands and options in a shell.',
    examples: [
      'source <(dqsync completion bash)  # to keep it: in ~/.bashrc',
      'source <(dqsync completion zsh)  # to keep it: in ~/.zshrc after compinit',
      'dqsync completion fish > ~/.config/fish/completions/dqsync.fish',
    ],
    argument: new Argument('<shell>', 'the shell').choices(shells),
    load: async () => (await import('./completion/completion.ts')).completion,
  }),
  (program, finish) =>
    program
      .command('help [command]')
      .description('Show the commands, or the help of a command.')
      .action((name: string | undefined) => {
        showHelp(program, name);
        finish(0);
      }),
];

function showHelp(program: Command, name: string | undefined): void {
  const found = program.commands.find((each) => each.name() === name);
  if (name !== undefined && found === undefined) {
    const names = program.commands.map((each) => each.name());
    const near = nearest(name, names);
    program.error(`error: unknown command '${name}'${near === null ? '' : `\n(Did you mean ${near}?)`}`);
  }
  (found ?? program).outputHelp();
}
