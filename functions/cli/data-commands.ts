/** The commands that read the source into the warehouse, and maintain it. */
import { Option } from 'commander';
import { type AddCommand, command, jsonOption, targetOptions, timeForms } from './command-options.ts';

/** The options of a range. @param otherwise what is done without them */
const rangeOptions = (otherwise: string): readonly Option[] => [
  new Option('--from <time>', `start of the range, needs --to; ${otherwise}; ${timeForms}`),
  new Option('--to <time>', 'end of the range, not included; needs --from'),
];

/** `sync`, `backfill`, `verify`, `compact` and `rewind`. */
export const dataCommands: readonly AddCommand[] = [
  command({
    usage: 'sync',
    description: 'Run one incremental sync of every target.',
    examples: [
      'dqsync sync',
      'dqsync sync --target sales --target stock',
      'dqsync sync --tasks --results',
      'dqsync sync --json --config prod.json | jq ".[].rowsWritten"',
    ],
    options: [
      ...targetOptions,
      new Option('--tasks', 'also read the tasks and their rules, as the daily maintenance of a deployed stack does'),
      new Option('--results', 'fetch all missing rule results; by default, a sync of more than 2,000 rows fetches 100'),
      jsonOption('print the summaries of all targets as one JSON array'),
    ],
    remarks:
      'Ctrl-C commits everything proven so far and exits with 130. A second Ctrl-C exits immediately; the next sync then reads the rest again.',
    load: async () => (await import('./sync/sync-command.ts')).sync,
  }),
  command({
    usage: 'backfill',
    description: 'Read the missing parts of a range, or the gaps that "dqsync status" shows.',
    examples: [
      'dqsync backfill --from 2025-01-01 --to 2026-01-01 --dry-run',
      'dqsync backfill --from 2025-01-01 --to 2026-01-01 --target sales',
      'dqsync backfill',
      'dqsync backfill --from 2025-01-01 --to 2026-01-01 --deployed dqsync',
    ],
    options: [
      ...targetOptions,
      ...rangeOptions('default: the gaps in coverage'),
      new Option('--again', 'also read what is already covered'),
      new Option('--results', 'also fetch the rule results of the executions that "results" in the config selects'),
      new Option('--dry-run', 'only estimate rows, requests and time, with a few requests').conflicts('deployed'),
      new Option(
        '--deployed <stack>',
        'run it in a deployed stack, with its config, and show the progress; needs AWS credentials',
      ),
      jsonOption('print the summaries (with --dry-run the estimates) of all targets as one JSON array'),
    ],
    remarks: `
Skips what is already covered, so the same command resumes an interrupted backfill, from any machine. Several backfills may run at the same time.
Leaves source.quota.reservedForSync of the quota to the scheduled sync. Never moves the watermark. A local
time that does not exist or exists twice, because the clocks change, is refused: the error names the two possible instants.`,
    load: async () => (await import('./backfill/backfill-command.ts')).backfill,
  }),
  command({
    usage: 'verify',
    description: 'Compare the table with the source, day by day. Exits with 1 if an execution is missing or differs.',
    examples: ['dqsync verify', 'dqsync verify --from 2026-01-01 --to 2026-02-01 --target sales --repair'],
    options: [
      ...targetOptions,
      ...rangeOptions('default: the last audit.days complete days'),
      new Option('--repair', 'read the days that differ again, then verify them'),
      new Option(
        '--deep',
        'compare every row of every day, not only of days whose counts differ, and look for executions that the view shows twice',
      ),
      jsonOption('print one JSON array with an object per target'),
    ],
    remarks: `
Needs about one request per day, from the share of the quota that backfills use, and more for days whose counts differ. "gone"
means executions that the source no longer lists (run again, deleted, forgotten). The table keeps them; that is not an error.`,
    load: async () => (await import('./verify/verify-command.ts')).verify,
  }),
  command({
    usage: 'compact',
    description: 'Replace the many files of each settled day with one file of the same rows.',
    examples: [
      'dqsync compact --dry-run',
      'dqsync compact',
      'dqsync compact --from 2025-01-01 --to 2026-01-01 --target sales',
    ],
    options: [
      ...targetOptions,
      ...rangeOptions('default: all settled days'),
      new Option('--dry-run', 'only print what it would do'),
      jsonOption('print one JSON array with an object per target'),
    ],
    remarks: `
A day is settled when the schedule no longer writes to it: after maxOpenDays and the lookback. Days with up to 8 files stay as they
are. Queries show the same before, during and after. Replaced files are kept for two days in .replaced/; in S3 they get the tag
dqsync=replaced, and a lifecycle rule of the bucket expires them. You can stop and repeat it at any time.`,
    load: async () => (await import('./compact/compact-command.ts')).compact,
  }),
  command({
    usage: 'rewind',
    description: 'Remove coverage after a time, so that the next sync reads it again. Asks first.',
    examples: ['dqsync rewind --to 2026-03-01', 'dqsync rewind --to 2026-03-01T06:00:00+08:00 --target sales --yes'],
    options: [
      ...targetOptions,
      new Option('--to <time>', `read again from this time on: ${timeForms}`).makeOptionMandatory(),
      new Option('--yes', 'do not ask'),
      jsonOption('print one JSON array with an object per target'),
    ],
    remarks:
      'Deletes no data: rows that are read again are written again, and the view shows each execution once. To fill a gap, or to read executions from before the start of coverage, use "dqsync backfill".',
    load: async () => (await import('./rewind/rewind-command.ts')).rewind,
  }),
];
