/** How a command that cannot go on says so, and what the process exits with. */
import { type DqsyncError, describeError, errorKinds, toDqsyncError } from '../../errors.ts';
import { summaryError } from '../../sync/summary.ts';
import { paragraph } from './formats.ts';
import { writeError, writeJson } from './output.ts';

/** Exit code for wrong usage, as for a wrong config. */
export const usageExitCode = errorKinds.config.exitCode;

/** An error as JSON documents show it. */
export function errorJson(error: DqsyncError): Readonly<Record<string, unknown>> {
  return { ...(error.target === undefined ? {} : { target: error.target }), ...summaryError(error) };
}

/**
 * Reports what ended a command: one paragraph on stderr, with `--json` also a document on stdout.
 *
 * @returns the exit code
 */
export function reportFailure(thrown: unknown, asJson: boolean): number {
  const error = toDqsyncError(thrown);
  if (asJson) {
    writeJson({ error: errorJson(error) });
  }
  writeError(paragraph(describeError(error)));
  if (process.env['DQSYNC_DEBUG'] === '1') {
    process.stderr.write(`${traceOf(thrown)}\n`);
  }
  return errorKinds[error.kind].exitCode;
}

/** For developers only: a stack may quote anything. */
function traceOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) {
    return String(thrown);
  }
  return thrown.cause === undefined ? String(thrown.stack) : `${thrown.stack}\ncaused by ${traceOf(thrown.cause)}`;
}
