/** One check of `doctor` and its result. */
import { toDqsyncError, withCodes } from '../../errors.ts';
import { paragraph } from '../terminal/formats.ts';
import { paint } from '../terminal/output.ts';

/** The result of a check. Field names match `doctor --json`. */
export interface Check {
  readonly name: string;
  /** Absent if the check is not about one target. */
  readonly target?: string;
  /** `noticed`: worth knowing, but nothing to fix in dqsync. `skipped`: not possible after an earlier failure. */
  readonly outcome: 'passed' | 'failed' | 'noticed' | 'skipped';
  /** What was found. */
  readonly finding: string;
  /** What to do about it. */
  readonly remedy?: string;
  readonly code?: string;
}

/** Receives the result of a check. */
export type NoteCheck = (check: Check) => void;

/** Returns the result of a check. */
export function checkOf(name: string, outcome: Check['outcome'], finding: string, remedy?: string): Check {
  return { name, outcome, finding: paragraph(finding), ...(remedy === undefined ? {} : { remedy: paragraph(remedy) }) };
}

/** Returns the result of a check that failed with an error. */
export function failedCheck(name: string, thrown: unknown): Check {
  const error = toDqsyncError(thrown);
  return {
    ...checkOf(name, 'failed', withCodes(error), error.remedy),
    ...(error.code === undefined ? {} : { code: error.code }),
  };
}

/** Runs a check. `work` returns the finding of one that passed, or the whole check, or throws if it failed. */
export async function runCheck(name: string, work: () => Promise<string | Check>): Promise<Check> {
  try {
    const found = await work();
    return typeof found === 'string' ? checkOf(name, 'passed', found) : found;
  } catch (thrown) {
    return failedCheck(name, thrown);
  }
}

const marks = {
  passed: () => paint.green('✓'),
  failed: () => paint.red('✗'),
  noticed: () => paint.yellow('!'),
  skipped: () => paint.dim('-'),
} as const;

/** Wide enough for the longest name of a check. */
const nameWidth = 12;

/** Returns a check as one line of text. */
export function describeCheck({ name, outcome, finding, remedy }: Check): string {
  const advice = remedy === undefined ? '' : `. ${remedy}`;
  return `${marks[outcome]()} ${name.padEnd(nameWidth)} ${finding}${advice}`;
}
