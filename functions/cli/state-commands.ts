/** The commands that show the state of the targets. */
import { Option } from 'commander';
import {
  type AddCommand,
  ageOption,
  command,
  jsonOption,
  numberOption,
  targetOptions,
  verticalOption,
} from './command-options.ts';

/** `status`, `runs`, `quarantine` and `doctor`. */
export const stateCommands: readonly AddCommand[] = [
  command({
    usage: 'status',
    description: 'Show how far each target is covered and what the next run will do.',
    examples: [
      'dqsync status',
      'dqsync status --target sales',
      'dqsync status --check --max-age 3h || echo "dqsync needs attention"',
      'dqsync status --json | jq ".[].watermark"',
    ],
    options: [
      ...targetOptions,
      new Option('--check', 'only check whether each target is healthy, and exit with 1 if not'),
      ageOption('--max-age <time>', 'maximum age of the end of coverage: 90m, 3h, 2d', '3h'),
      jsonOption('print one JSON array with an object per target'),
    ],
    remarks: `
One line for each target if the config has several; all details with --target or -v. A target is healthy if its last run did
not fail, the end of its coverage is younger than --max-age, and the source's clock, if the source replies within 5 seconds, agrees
with this machine's within a minute. The table of several targets does not contact the source. "behind" is the age of the end of
coverage, "rows" is the number of executions that the source listed when they were read or last audited: those that were run again
or deleted since stay in the table. "aside" counts quarantined rows and expired executions.`,
    load: async () => (await import('./status/status-command.ts')).status,
  }),
  command({
    usage: 'runs',
    description: 'Show the last runs of each target, local and deployed.',
    examples: [
      'dqsync runs',
      'dqsync runs --target sales --limit 100',
      'dqsync runs --json | jq ".[].runs[] | select(.outcome != \\"done\\")"',
    ],
    options: [
      ...targetOptions,
      numberOption('--limit <runs>', 'runs to show per target', 1, 20),
      verticalOption,
      jsonOption('print one JSON array with an object per target, the newest run first'),
    ],
    remarks: `
"window" is the length of the range of start times to read, "rows" is what the source returned, "new" is what was written.
A "done" run has committed all executions of its window; "dqsync status" shows how many of their rule results are still to be
fetched. A killed run is not listed; if it was the last one to commit, "dqsync status" shows that.`,
    load: async () => (await import('./runs/runs-command.ts')).runs,
  }),
  command({
    usage: 'quarantine',
    description: 'Show the rows that could not be read, with the reasons.',
    examples: ['dqsync quarantine', 'dqsync quarantine --target sales --limit 100 --vertical'],
    options: [
      ...targetOptions,
      numberOption('--limit <rows>', 'rows to show per target', 1, 20),
      new Option('--vertical', 'print one line for each value, with the whole text of the row'),
      jsonOption('print one JSON array with an object per target'),
    ],
    load: async () => (await import('./quarantine/quarantine-command.ts')).quarantine,
  }),
  command({
    usage: 'doctor',
    description: 'Check config, credentials, source and warehouse, and show how to fix problems.',
    examples: ['dqsync doctor', 'dqsync doctor --target sales --json'],
    options: [...targetOptions, jsonOption('print one JSON object with all checks')],
    remarks:
      'Writes one small object to the warehouse, state/.doctor/probe.json, and keeps it, because dqsync never deletes. Exits with 1 if a check fails, with 2 if the config is wrong.',
    load: async () => (await import('./doctor/doctor-command.ts')).doctor,
  }),
];
