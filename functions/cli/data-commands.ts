/** The commands that read the source into the warehouse, and maintain it. */
import { type Command, Option } from 'commander';
import type { BackfillOptions } from './backfill/backfill-command.ts';
import { command, configOption, type Finish, jsonOption, remarks, targetsOption } from './command-options.ts';
import type { CompactOptions } from './compact/compact-command.ts';
import type { RewindOptions } from './rewind/rewind-command.ts';
import type { SyncOptions } from './sync/sync-command.ts';
import type { VerifyOptions } from './verify/verify-command.ts';

/** Adds `sync`, `backfill`, `verify`, `compact` and `rewind`. */
export function addDataCommands(program: Command, finish: Finish): void {
  addSync(program, finish);
  addBackfill(program, finish);
  addVerify(program, finish);
  addCompact(program, finish);
  addRewind(program, finish);
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
    .option('--tasks', 'also read the tasks and their rules, as the daily maintenance of a deployed stack does')
    .option('--results', 'fetch all missing rule results; by default, a sync of more than 2,000 rows fetches 100')
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
    .option(
      '--from <time>',
      'started from here on: a day (from midnight in partitionTimeZone), an ISO instant, or relative: 7d, 12h, yesterday',
    )
    .option('--to <time>', 'started before this')
    .option('--again', 'also read again what is covered already')
    .option('--results', 'also fetch rule results, of the executions that "results" in the config selects')
    .addOption(
      new Option('--dry-run', 'only estimate rows, requests and time, from a few counts').conflicts('deployed'),
    )
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
      'started from here on: a day (from midnight in partitionTimeZone), an ISO instant, or relative: 7d, 12h, yesterday',
    )
    .requiredOption('--to <time>', 'started before this')
    .option('--repair', 'read the days that differ again, then verify them')
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
      'read again from here on: a day (from midnight in partitionTimeZone), an ISO instant, or relative: 7d, 12h, yesterday',
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
