/** The commands that show how the targets are. */
import { type Command, Option } from 'commander';
import {
  ageMs,
  command,
  configOption,
  type Finish,
  jsonOption,
  remarks,
  targetsOption,
  wholeNumber,
} from './command-options.ts';
import type { DoctorOptions } from './doctor/doctor-command.ts';
import type { QuarantineOptions } from './quarantine/quarantine-command.ts';
import type { RunsOptions } from './runs/runs-command.ts';
import type { StatusOptions } from './status/status-command.ts';

/** Adds `status`, `runs`, `quarantine` and `doctor`. */
export function addStateCommands(program: Command, finish: Finish): void {
  addStatus(program, finish);
  addRuns(program, finish);
  addQuarantine(program, finish);
  addDoctor(program, finish);
}

function addStatus(program: Command, finish: Finish): void {
  command(program, 'status', 'Show how far each target is covered and what the next run will do.', [
    'dqsync status',
    'dqsync status --target sales',
    'dqsync status --check --max-age 3h || echo "dqsync needs attention"',
    'dqsync status --json | jq ".[].watermark"',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .option('--check', 'only check whether each target is healthy, and exit with 1 if not; does not contact the source')
    .addOption(
      new Option('--max-age <time>', 'maximum age of the end of coverage: 90m, 3h, 2d')
        .argParser(ageMs)
        .default(ageMs('3h'), '3h'),
    )
    .addOption(jsonOption('print one JSON array with an object per target'))
    .addHelpText(
      'after',
      remarks(`
One line for each target if the config has several; all details with --target or -v. A target is healthy if its last run did
not fail and the end of its coverage is younger than --max-age. "behind" is the age of the end of coverage, "aside" counts
quarantined rows and expired executions.`),
    )
    .action(async (options: StatusOptions) =>
      finish(await (await import('./status/status-command.ts')).status(options)),
    );
}

function addRuns(program: Command, finish: Finish): void {
  command(program, 'runs', 'Show the last runs of each target, local and deployed.', [
    'dqsync runs',
    'dqsync runs --target sales --limit 100',
    'dqsync runs --json | jq ".[].runs[] | select(.outcome != \\"done\\")"',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .option('--limit <runs>', 'runs to show of each target', wholeNumber(1), 20)
    .option('--vertical', 'print one line for each value')
    .addOption(jsonOption('print one JSON array with an object per target, the newest run first'))
    .addHelpText(
      'after',
      remarks(`
"window" is the length of the range of start times to read, "rows" is what the source returned, "new" is what was written.
"killed?" is a run that has not recorded its end: it may still be running.`),
    )
    .action(async (options: RunsOptions) => finish(await (await import('./runs/runs-command.ts')).runs(options)));
}

function addQuarantine(program: Command, finish: Finish): void {
  command(program, 'quarantine', 'Show quarantined rows, which could not be read, with the reasons.', [
    'dqsync quarantine',
    'dqsync quarantine --target sales --limit 100 --vertical',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .option('--limit <rows>', 'rows to show of each target', wholeNumber(1), 20)
    .option('--vertical', 'print one line for each value, with the whole text of the row')
    .addOption(jsonOption('print one JSON array with an object per target'))
    .action(async (options: QuarantineOptions) =>
      finish(await (await import('./quarantine/quarantine-command.ts')).quarantine(options)),
    );
}

function addDoctor(program: Command, finish: Finish): void {
  command(program, 'doctor', 'Check config, credentials, source and warehouse, and show how to fix problems.', [
    'dqsync doctor',
    'dqsync doctor --target sales --json',
  ])
    .addOption(configOption())
    .addOption(targetsOption())
    .addOption(jsonOption('print one JSON object with all checks'))
    .addHelpText(
      'after',
      remarks(
        'Writes one small object to the warehouse, state/.doctor/probe.json, and keeps it, because dqsync never deletes. Exits with 1 if a check fails, with 2 if the config is wrong.',
      ),
    )
    .action(async (options: DoctorOptions) =>
      finish(await (await import('./doctor/doctor-command.ts')).doctor(options)),
    );
}
