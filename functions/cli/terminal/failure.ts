/** Reports the error that ends a command, and chooses the exit code. */
import { inspect } from 'node:util';
import { describeError, errorKinds, toDqsyncError } from '../../errors.ts';
import { paragraph } from './formats.ts';
import { writeError, writeJson } from './output.ts';

/** Exit code for wrong usage or a wrong config. */
export const usageExitCode = errorKinds.config.exitCode;

/**
 * Reports the error that ended a command: one paragraph on stderr, and with `--json` a document on stdout.
 *
 * @returns the exit code
 */
export function reportFailure(thrown: unknown, asJson: boolean): number {
  const error = toDqsyncError(thrown);
  if (asJson) {
    writeJson({ error });
  }
  writeError(paragraph(describeError(error)));
  if (process.env['DQSYNC_DEBUG'] === '1') {
    // For developers only, because it may quote any text.
    process.stderr.write(`${inspect(thrown)}\n`);
  }
  return errorKinds[error.kind].exitCode;
}
