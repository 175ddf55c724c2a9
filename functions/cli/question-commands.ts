/** The commands that answer questions about executions and tasks. */
import { type Command, Option } from 'commander';
import { allFilters } from '../filters.ts';
import type { ChangesOptions } from './changes/changes-command.ts';
import {
  ageMs,
  command,
  configOption,
  type Finish,
  jsonOption,
  remarks,
  repeatable,
  targetsOption,
  wholeNumber,
} from './command-options.ts';
import type { ExplainOptions } from './explain/explain-command.ts';
import type { ListOptions } from './list/list-command.ts';
import type { QueryOptions } from './query/query-command.ts';
import type { ReportOptions } from './report/report-command.ts';

/** Adds `list`, `query`, `report`, `changes` and `explain`. */
export function addQuestionCommands(program: Command, finish: Finish): void {
  addList(program, finish);
  addQuery(program, finish);
  addReport(program, finish);
  addChanges(program, finish);
  addExplain(program, finish);
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
      'started from here on: a day (from midnight in partitionTimeZone), an ISO instant, or relative: 7d, 12h, yesterday; default: no limit',
    )
    .option('--to <time>', 'started up to here; the source decides whether --from and --to are inclusive')
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
    'dqsync report --url --expires 3h',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .option('--days <n>', 'number of days to show, up to today; at most 120', wholeNumber(1), 30)
    .option('--out <file>', 'file to write', 'report.html')
    .option('--open', 'show it in the browser')
    .option('--url', 'write nothing; print a URL of the published page that anyone can open')
    .addOption(
      new Option('--expires <time>', 'how long that URL is valid; at most 7d')
        .argParser(ageMs)
        .default(43_200_000, '12h'),
    )
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

function addChanges(program: Command, finish: Finish): void {
  command(program, 'changes', 'List the tasks whose outcome has changed: which began to fail, which pass again.', [
    'dqsync changes',
    'dqsync changes --since 2026-01-01 --target sales',
    `dqsync changes --since 12h --json | jq '.[] | select(.to != "SUCCESS")'`,
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .option('--since <time>', 'how far back: a day, an ISO instant, or relative: 7d, 12h, yesterday', '1d')
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
