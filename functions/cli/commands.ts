/**
 * The commands of `dqsync`, their options and help. A command's own code is loaded when it runs, so that help and usage
 * errors appear at once.
 */
import { Command, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { allFilters } from '../filters.ts';
import type { BackfillOptions } from './backfill/backfill-command.ts';
import type { ChangesOptions } from './changes/changes-command.ts';
import {
  command,
  configOption,
  type Finish,
  jsonOption,
  remarks,
  repeatable,
  targetsOption,
  wholeNumber,
} from './command-options.ts';
import type { CompactOptions } from './compact/compact-command.ts';
import type { ExplainOptions } from './explain/explain-command.ts';
import type { InitOptions } from './init/init-command.ts';
import type { ListOptions } from './list/list-command.ts';
import { addProgramCommands } from './program-commands.ts';
import type { QueryOptions } from './query/query-command.ts';
import type { ReportOptions } from './report/report-command.ts';
import type { RewindOptions } from './rewind/rewind-command.ts';
import type { SmokeOptions } from './smoke/smoke-command.ts';
import { addStateCommands } from './state-commands.ts';
import type { SyncOptions } from './sync/sync-command.ts';
import type { VerifyOptions } from './verify/verify-command.ts';

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
    .showHelpAfterError('Run "dqsync --help" for the list of commands.')
    .addHelpText('after', remarks(`${exitCodesHelp}\n\nTry it without an account: dqsync demo`));
  addSync(program, finish);
  addBackfill(program, finish);
  addVerify(program, finish);
  addCompact(program, finish);
  addRewind(program, finish);
  addStateCommands(program, finish);
  addList(program, finish);
  addQuery(program, finish);
  addReport(program, finish);
  addChanges(program, finish);
  addExplain(program, finish);
  addInit(program, finish);
  addSmoke(program, finish);
  addDemo(program, finish);
  addProgramCommands(program, finish);
  return program;
}

function addSync(program: Command, finish: Finish): void {
  command(program, 'sync', 'Run one incremental sync of every target.', [
    'dqsync sync',
    'dqsync sync --target sales --target stock',
    'dqsync sync --tasks --results',
    'dqsync sync --json --config prod.json | jq ".[].rowsWritten"',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .option('--tasks', 'read the tasks and their rules, too, as the daily maintenance of a deployed stack does')
    .option('--results', 'fetch all rule results that wait; without it, 100 at most beside more than 2,000 rows')
    .addOption(jsonOption('print the summaries of all targets as one JSON array'))
    .addHelpText(
      'after',
      remarks(
        'Ctrl-C commits everything proven so far and exits with 130. A second Ctrl-C exits at once; the next sync then reads the rest again.',
      ),
    )
    .action(async (options: SyncOptions) => finish(await (await import('./sync/sync-command.ts')).sync(options)));
}

function addBackfill(program: Command, finish: Finish): void {
  command(program, 'backfill', 'Read the missing parts of a range, or the gaps that "dqsync status" shows.', [
    'dqsync backfill --from 2025-01-01 --to 2026-01-01 --dry-run',
    'dqsync backfill --from 2025-01-01 --to 2026-01-01 --target sales',
    'dqsync backfill',
    'dqsync backfill --from 2025-01-01 --to 2026-01-01 --deployed dqsync',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .option('--from <time>', 'started from here on: a day (from midnight in partitionTimeZone) or an ISO instant')
    .option('--to <time>', 'started before this')
    .option('--again', 'read what is covered once more, too')
    .addOption(
      new Option(
        '--results',
        'fetch rule results, too, of the executions that "results" in the config asks for',
      ).conflicts('deployed'),
    )
    .addOption(new Option('--dry-run', 'only say what it would take, from a handful of counts').conflicts('deployed'))
    .option(
      '--deployed <stack>',
      'run it in a deployed stack, with the config of the stack, and follow it; needs AWS credentials',
    )
    .addOption(jsonOption('print the summaries (with --dry-run the estimates) of all targets as one JSON array'))
    .addHelpText(
      'after',
      remarks(`
Skips what is already covered, so the same command resumes an interrupted backfill, from any machine. Several at once are safe.
Leaves source.quota.reservedForSync of the quota to the scheduled sync. Never moves the watermark.`),
    )
    .action(async (options: BackfillOptions) =>
      finish(await (await import('./backfill/backfill-command.ts')).backfill(options)),
    );
}

function addVerify(program: Command, finish: Finish): void {
  command(program, 'verify', 'Prove the table against the source, day by day. Exits with 1 if it does not hold all.', [
    'dqsync verify --from 2026-01-01 --to 2026-02-01',
    'dqsync verify --from 2026-01-01 --to 2026-02-01 --target sales --repair',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .requiredOption(
      '--from <time>',
      'started from here on: a day (from midnight in partitionTimeZone) or an ISO instant',
    )
    .requiredOption('--to <time>', 'started before this')
    .option('--repair', 'read days that differ again, then verify them again')
    .option('--deep', 'compare every row of every day, not only of days whose counts differ')
    .addOption(jsonOption('print one JSON array with an object per target'))
    .addHelpText(
      'after',
      remarks(`
Needs about one request per day, from the share of the quota that backfills use, and more for days whose counts differ. "gone"
means executions that the source no longer lists (run again, deleted, forgotten). The table keeps them; that is not an error.`),
    )
    .action(async (options: VerifyOptions) =>
      finish(await (await import('./verify/verify-command.ts')).verify(options)),
    );
}

function addCompact(program: Command, finish: Finish): void {
  command(program, 'compact', 'Replace the many files of each settled day by one with the same rows.', [
    'dqsync compact --dry-run',
    'dqsync compact',
    'dqsync compact --from 2025-01-01 --to 2026-01-01 --target sales',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .option('--from <time>', 'only days from here on; default: all settled days')
    .option('--to <time>', 'only days before this')
    .option('--dry-run', 'only say what it would do')
    .addOption(jsonOption('print one JSON array with an object per target'))
    .addHelpText(
      'after',
      remarks(`
A day is settled when the schedule no longer writes to it: after maxOpenDays and the lookback. Days with up to 8 files stay as they
are. Queries show the same before, during and after. Replaced files are kept for two days in .replaced/; in S3 they get the tag
dqsync=replaced, and a lifecycle rule of the bucket expires them. May be stopped and repeated at any time.`),
    )
    .action(async (options: CompactOptions) =>
      finish(await (await import('./compact/compact-command.ts')).compact(options)),
    );
}

function addRewind(program: Command, finish: Finish): void {
  command(program, 'rewind', 'Remove coverage from a time on, so that the next sync reads it again. Asks first.', [
    'dqsync rewind --to 2026-03-01',
    'dqsync rewind --to 2026-03-01T06:00:00+08:00 --target sales --yes',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .requiredOption(
      '--to <time>',
      'read again from here on: a day (from midnight in partitionTimeZone) or an ISO instant',
    )
    .option('--yes', 'do not ask')
    .addOption(jsonOption('print one JSON array with an object per target'))
    .addHelpText(
      'after',
      remarks(
        'Deletes no data: rows that are read again are written again, and the view shows each execution once. To fill a gap, use "dqsync backfill".',
      ),
    )
    .action(async (options: RewindOptions) =>
      finish(await (await import('./rewind/rewind-command.ts')).rewind(options)),
    );
}

function addList(program: Command, finish: Finish): void {
  const list = command(program, 'list', 'List instances directly from the source.', [
    'dqsync list --run-status ALARMING --run-status FAILED --from 7d',
    'dqsync list --name orders --task-type QUALITY_TASK --limit 500',
    'dqsync list --tasks',
    'dqsync list --from 2026-01-01T06:00:00+08:00 --to 2026-01-01T07:00:00+08:00',
  ])
    .addOption(configOption())
    .option('-t, --target <name>', 'the target to list; required if the config has several');
  for (const { option, description, choices } of allFilters) {
    list.addOption(repeatable(new Option(option, description), choices));
  }
  list
    .option(
      '--from <time>',
      'started from here on: a day (from midnight in partitionTimeZone) or an ISO instant; default: no limit',
    )
    .option('--to <time>', 'started up to here; whether the ends are inclusive depends on the source')
    .option('--limit <rows>', 'rows to show; more than 100 take several requests', wholeNumber(1), 20)
    .option('--offset <n>', 'rows to skip', wholeNumber(0), 0)
    .option('--columns <names>', 'columns to show, for example id,name,end_time,extra; "took" is the time it took')
    .option('--vertical', 'print one line for each value')
    .option('--tasks', 'list tasks instead, with their schedule and last run; takes no filter')
    .addOption(jsonOption('print one JSON object; ids have 19 digits and are strings, exact in every reader'))
    .addHelpText(
      'after',
      remarks('A filter may be given several times: what matches one of its values is shown, the newest first.'),
    )
    .action(async (options: ListOptions) => finish(await (await import('./list/list-command.ts')).list(options)));
}

function addQuery(program: Command, finish: Finish): void {
  command(program, 'query [sql]', 'Query the table with SQL (DuckDB).', [
    `dqsync query "SELECT run_status, count(*) FROM quality_instances GROUP BY 1"`,
    'dqsync query --saved "Pass rate by day"',
    'dqsync query --file question.sql --json',
    `dqsync query --csv "FROM quality_instances WHERE dt = '2026-01-01'" > day.csv`,
  ])
    .addOption(configOption())
    .option('--file <path>', 'read the SQL from a file; without any SQL it is read from stdin')
    .option('--saved <title>', 'run a saved query')
    .option('--list-saved', 'list the saved queries')
    .option('--csv', 'print CSV with a header')
    .option('--vertical', 'print one line for each value')
    .addOption(
      jsonOption(
        'print one JSON array of rows; BIGINT values (ids, counts) are strings, exact in every reader',
      ).conflicts('csv'),
    )
    .option('--max-rows <n>', 'rows to print as a table; --csv and --json print all', wholeNumber(1), 100)
    .addHelpText(
      'after',
      remarks(`
quality_instances has each execution once, in its latest state; quality_instance_observations has every row written.
Reads only the days and workspaces that the SQL selects by dt and workspace. Data files of an S3 warehouse are copied once to a
folder of the user's cache, or to the folder in DQSYNC_CACHE. It may be deleted at any time.
CSV contains every text unchanged. A spreadsheet may treat text that begins with =, +, - or @ as a formula: import it as text.`),
    )
    .action(async (sql: string | undefined, options: QueryOptions) =>
      finish(await (await import('./query/query-command.ts')).query(sql, options)),
    );
}

function addReport(program: Command, finish: Finish): void {
  command(program, 'report', 'Write an HTML page that shows what failed, since when and how often.', [
    'dqsync report --open',
    'dqsync report --days 7 --target sales --out sales.html',
    'dqsync report --json | jq ".failing[].name"',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .option('--days <n>', 'number of days to show, up to today; at most 120', wholeNumber(1), 30)
    .option('--out <file>', 'file to write', 'report.html')
    .option('--open', 'show it in the browser')
    .addOption(jsonOption('print one JSON object with the path of the page and the failing tasks'))
    .addHelpText(
      'after',
      remarks(`
The page is one self-contained file below 2 MB: open it from disk, mail it, or put it on a web server.
Reads the days shown, and up to 30 more to find out since when a task has failed. The page says what it leaves out.`),
    )
    .action(async (options: ReportOptions) =>
      finish(await (await import('./report/report-command.ts')).report(options)),
    );
}

function addExplain(program: Command, finish: Finish): void {
  command(program, 'explain <instance-id>', 'Show one instance whole: its states, task, rules, rule results.', [
    'dqsync explain 1012386207306600400',
    'dqsync explain 1012386207306600400 --json',
  ])
    .addOption(configOption())
    .addOption(jsonOption('print one JSON object; ids have 19 digits and are strings, exact in every reader'))
    .addHelpText('after', remarks('Reads the warehouse alone. Exits with 1 if the table has no such instance.'))
    .action(async (id: string, options: ExplainOptions) =>
      finish(await (await import('./explain/explain-command.ts')).explain(id, options)),
    );
}

function addChanges(program: Command, finish: Finish): void {
  command(program, 'changes', 'List the tasks whose outcome has changed: which began to fail, which pass again.', [
    'dqsync changes',
    'dqsync changes --since 2026-01-01 --target sales',
    `dqsync changes --since 12h --json | jq '.[] | select(.to != "SUCCESS")'`,
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .option('--since <time>', 'how far back: a day, an ISO instant, or relative', '1d')
    .addOption(jsonOption('print one JSON array; ids are strings, exact in every reader'))
    .addHelpText(
      'after',
      remarks(`
A change is an execution that ended with another status than the one of its task before: SUCCESS, ALARMING or FAILED.
The table is read from 30 days before --since; a task that ran for the first time since then has not changed.`),
    )
    .action(async (options: ChangesOptions) =>
      finish(await (await import('./changes/changes-command.ts')).changes(options)),
    );
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
