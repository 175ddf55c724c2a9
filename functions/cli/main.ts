/**
 * The entry point of `dqsync`: runs the command in the arguments, and turns its result or error into an exit code.
 *
 * Exit codes: 0 fine, 1 a target failed, 2 wrong usage or config, 130 interrupted by Ctrl-C.
 */
import { CommanderError } from 'commander';
import { ConfigError } from '../errors.ts';
import { makeProgram } from './commands.ts';
import { reportFailure, usageExitCode } from './terminal/failure.ts';
import { writeError, writeJson } from './terminal/output.ts';

/**
 * Runs one command.
 *
 * @param args the arguments without node and script
 * @returns the exit code
 */
export async function main(args: readonly string[]): Promise<number> {
  const isWork = args.some((arg) => judgedByExitCode.has(arg));
  process.stdout.on('error', (error) => leaveUnwritten(error, isWork));
  // If the reader of stderr is gone, the run must still commit its proven rows.
  process.stderr.on('error', () => undefined);
  const asJson = args.includes('--json');
  let exitCode = 0;
  const program = makeProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    return thrown instanceof CommanderError ? usageEnded(thrown, asJson) : reportFailure(thrown, asJson);
  }
}

/** Returns the exit code after commander has printed its message or the requested help. */
function usageEnded(thrown: CommanderError, asJson: boolean): number {
  if (thrown.exitCode === 0) {
    return 0;
  }
  if (asJson) {
    const error = new ConfigError(thrown.message.replace(/^error: /, ''), { remedy: 'See --help.' });
    writeJson({ error });
  }
  return usageExitCode;
}

/** Commands whose exit code matters more than their output, and whose work must continue. */
const judgedByExitCode: ReadonlySet<string> = new Set(['sync', 'backfill', 'verify', 'rewind', 'doctor']);

/** Handles a failed write to stdout. A closed pipe, as in `dqsync list | head -1`, is fine; a full disk is not. */
function leaveUnwritten(error: Error, isWork: boolean): void {
  if ('code' in error && error.code === 'EPIPE') {
    if (isWork) {
      return;
    }
    process.exit(0);
  }
  writeError(`the output cannot be written: ${error.message}. Write it to a disk with free space, or to a pipe.`);
  process.exit(1);
}
