/**
 * The commands of `dqsync`, their options and help. A command's own code is loaded when it runs, so that help and usage
 * errors appear at once.
 */
import { Command, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { command, type Finish, jsonOption, remarks } from './command-options.ts';
import { addDataCommands } from './data-commands.ts';
import type { InitOptions } from './init/init-command.ts';
import { addProgramCommands } from './program-commands.ts';
import { addQuestionCommands } from './question-commands.ts';
import type { SmokeOptions } from './smoke/smoke-command.ts';
import { addStateCommands } from './state-commands.ts';
import { writeNote } from './terminal/output.ts';

const exitCodesHelp = 'Exit codes: 0 fine, 1 a target failed, 2 wrong usage or config, 130 interrupted by Ctrl-C.';

/**
 * Makes the program.
 *
 * @param finish called with the exit code of the command that ran
 */
export function makeProgram(finish: Finish): Command {
  const program = new Command('dqsync')
    .helpCommand(false)
    .description('Copies every execution of every DataArts quality task into a Parquet warehouse, complete by proof.')
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ outputError: (text) => writeNote(text.trimEnd()) })
    .showHelpAfterError('Run "dqsync --help" for the list of commands.')
    .addHelpText(
      'after',
      remarks(
        `${exitCodesHelp}\n\nTry it without an account: dqsync demo. To sync your own: dqsync init, then dqsync doctor.`,
      ),
    );
  addDataCommands(program, finish);
  addStateCommands(program, finish);
  addQuestionCommands(program, finish);
  addInit(program, finish);
  addSmoke(program, finish);
  addDemo(program, finish);
  addProgramCommands(program, finish);
  return program;
}

function addSmoke(program: Command, finish: Finish): void {
  command(program, 'smoke <stack>', 'Try a deployed stack once: a run, conditional writes, queries, and an alarm.', [
    'dqsync smoke dqsync',
  ])
    .addOption(jsonOption('print one JSON object: whether all is well, and each check'))
    .addHelpText(
      'after',
      remarks(`
Needs AWS credentials that may invoke the function, query the workgroup, read and write the warehouse, and set the state of
an alarm. Whoever subscribed to the alarms gets a mail. Run it after the first deployment; it costs one run and two queries.`),
    )
    .action(async (stack: string, options: SmokeOptions) =>
      finish(await (await import('./smoke/smoke-command.ts')).smoke(stack, options)),
    );
}

function addInit(program: Command, finish: Finish): void {
  command(program, 'init [folder]', 'Write a config, a template for the credentials and a .gitignore.', [
    'dqsync init my-sync',
    'dqsync init my-sync --region ap-southeast-3 --project 0b1c… --workspace 9f2e…',
    'dqsync init --deploy',
  ])
    .option('--region <region>', 'region of DataArts Studio, for example ap-southeast-3')
    .option('--project <id>', 'project id')
    .option('--workspace <id>', 'workspace id')
    .addOption(new Option('--auth <kind>', 'kind of credentials').choices(['aksk', 'password', 'token']))
    .option('--warehouse <url>', '"file:<folder>" or "s3://<bucket>[/<prefix>]" (default: file:./warehouse)')
    .option('--name <name>', 'name of the target (default: main)')
    .option('--from <day>', 'first day to sync (default: a week ago)')
    .option('--time-zone <zone>', "time zone of the table's days (default: this machine's)")
    .option('--deploy', 'in a clone: write dqsync.deploy.json, which "npx cdk deploy" reads')
    .addHelpText(
      'after',
      remarks('Asks for missing options. Without a folder, writes to the current one. Never overwrites a file.'),
    )
    .action(async (folder: string | undefined, options: InitOptions) =>
      finish(await (await import('./init/init-command.ts')).init(folder ?? '.', options)),
    );
}

function addDemo(program: Command, finish: Finish): void {
  command(program, 'demo', 'Try everything without an account, on a simulated source.', ['dqsync demo'])
    .addHelpText(
      'after',
      remarks('Writes its config and warehouse to .dqsync/demo, and starts from scratch each time.'),
    )
    .action(async () => finish(await (await import('./demo/demo-command.ts')).demo()));
}
