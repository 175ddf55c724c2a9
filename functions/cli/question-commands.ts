/** The commands that answer questions about executions and tasks. */
import { Option } from 'commander';
import { allFilters, filterNames } from '../filters.ts';
import {
  type AddCommand,
  ageOption,
  command,
  configOption,
  jsonOption,
  numberOption,
  targetOptions,
  timeForms,
  verticalOption,
} from './command-options.ts';

/** Options of `list` that choose among instances. */
const notForTasks = [...filterNames, 'from', 'to', 'limit', 'offset', 'columns'];

/** `list`, `query`, `report`, `changes` and `explain`. */
export const questionCommands: readonly AddCommand[] = [
  command({
    usage: 'list',
    description: 'List instances directly from the source.',
    examples: [
      'dqsync list --run-status ALARMING --run-status FAILED --from 7d',
      'dqsync list --name orders --task-type QUALITY_TASK --limit 500',
      'dqsync list --tasks',
      'dqsync list --from 2026-01-01T06:00:00+08:00 --to 2026-01-01T07:00:00+08:00',
    ],
    options: [
      configOption,
      new Option('-t, --target <name>', 'the target to list; required if the config has several'),
      ...allFilters.map(({ option, description, choices }) => {
        const added = new Option(option, description);
        return choices === null ? added : added.choices(choices);
      }),
      new Option('--from <time>', `start of the range: ${timeForms}; default: no limit`),
      new Option('--to <time>', 'end of the range; the source decides whether --from and --to are inclusive'),
      numberOption('--limit <rows>', 'rows to show; more than 100 take several requests', 1, 20),
      numberOption('--offset <n>', 'rows to skip', 0, 0),
      new Option('--columns <names>', 'columns to show, for example id,name,end_time,extra; "took" is the duration'),
      verticalOption,
      new Option('--tasks', 'list all tasks instead, with their schedule and last run').conflicts(notForTasks),
      jsonOption('print one JSON object; ids are strings, because JSON readers round numbers of 19 digits'),
    ],
    remarks: 'A filter can have several values: a row is listed if it matches one of them. The newest rows come first.',
    load: async () => (await import('./list/list-command.ts')).list,
  }),
  command({
    usage: 'query [sql]',
    description: 'Query the table with SQL (DuckDB).',
    examples: [
      `dqsync query "SELECT run_status, count(*) FROM quality_instances GROUP BY 1"`,
      'dqsync query --saved "Pass rate by day"',
      'dqsync query --file question.sql --json',
      `dqsync query --csv "FROM quality_instances WHERE dt = '2026-01-01'" > day.csv`,
    ],
    options: [
      configOption,
      new Option('--file <path>', 'read the SQL from a file; without any SQL it is read from stdin'),
      new Option('--saved <title>', 'run a saved query'),
      new Option('--list-saved', 'list the saved queries'),
      new Option('--csv', 'print CSV with a header'),
      verticalOption,
      jsonOption(
        'print one JSON array of rows; BIGINT values (ids, counts) are strings, because JSON readers round numbers of 19 digits',
      ).conflicts('csv'),
      numberOption('--max-rows <n>', 'rows to print as a table; --csv and --json print all', 1, 100),
    ],
    remarks: `
quality_instances has each execution once, in its latest state; quality_instance_observations has every row written.
Views of tasks, rules and rule results: quality_tasks, quality_rules, quality_results and quality_failures.
Reads only the days and workspaces that the SQL selects by dt and workspace. Data files of an S3 warehouse are copied once to a
folder of the user's cache, or to the folder in DQSYNC_CACHE. You can delete it at any time.
CSV contains every text unchanged. A spreadsheet may treat text that begins with =, +, - or @ as a formula: import it as text.`,
    load: async () => (await import('./query/query-command.ts')).query,
  }),
  command({
    usage: 'report',
    description: 'Write an HTML page that shows what failed, since when and how often.',
    examples: [
      'dqsync report --open',
      'dqsync report --days 7 --target sales --out sales.html',
      'dqsync report --json | jq ".failing[].name"',
      'dqsync report --url --expires 3h',
    ],
    options: [
      ...targetOptions,
      numberOption('--days <n>', 'number of days to show, up to today; 2 to 120', 2, 30, 120),
      new Option('--out <file>', 'file to write').default('report.html'),
      new Option('--open', 'open it in the browser'),
      new Option('--url', 'write nothing; print a URL of the published page that anyone can open'),
      ageOption('--expires <time>', 'how long that URL is valid; AWS allows at most 7d', '12h', '7d'),
      jsonOption('print one JSON object with the path of the page and the failing tasks'),
    ],
    remarks: `
The page is one self-contained file below 2 MB: open it from disk, email it, or put it on a web server.
Reads the days shown, and up to 30 more to find out since when a task has failed. The page says what it leaves out.`,
    load: async () => (await import('./report/report-command.ts')).report,
  }),
  command({
    usage: 'changes',
    description: 'List the tasks whose outcome has changed: those that began to fail, and those that pass again.',
    examples: [
      'dqsync changes',
      'dqsync changes --since 2026-01-01 --target sales',
      `dqsync changes --since 12h --json | jq '.[] | select(.to != "SUCCESS")'`,
    ],
    options: [
      ...targetOptions,
      new Option('--since <time>', `how far back: ${timeForms}`).default('1d'),
      jsonOption('print one JSON array; ids are strings, because JSON readers round numbers of 19 digits'),
    ],
    remarks: `
A change is an execution whose final status (SUCCESS, ALARMING or FAILED) differs from that of the task's previous execution.
"in_a_row" counts the executions from that one on with the same status. The table is read from 30 days before --since. The
first execution of a task does not count as a change, unless it failed, the task was created after that time, "tasks" is set,
and syncs have read everything since then. It is listed without an earlier status.`,
    load: async () => (await import('./changes/changes-command.ts')).changes,
  }),
  command({
    usage: 'explain <instance-id>',
    description: 'Show everything about one instance: states, task, rules and rule results.',
    examples: ['dqsync explain 1012386207306600400', 'dqsync explain 1012386207306600400 --json'],
    options: [
      configOption,
      jsonOption('print one JSON object; ids are strings, because JSON readers round numbers of 19 digits'),
    ],
    remarks: 'Reads only the warehouse. Exits with 1 if the table has no such instance.',
    load: async () => (await import('./explain/explain-command.ts')).explain,
  }),
];
