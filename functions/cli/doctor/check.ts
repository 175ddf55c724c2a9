/** One check of `doctor` and its result. */
import { toDqsyncError } from '../../errors.ts';
import { paragraph } from '../terminal/formats.ts';
import { paint } from '../terminal/output.ts';

/** The subject of a check. */
export interface CheckSubject {
  readonly name: string;
  /** Absent if the check is not about one target. */
  readonly target?: string;
}

/** The result of a check. Names are those of `doctor --json`. */
export interface Check extends CheckSubject {
  /** `noticed`: worth knowing, but nothing to fix in dqsync. `skipped`: not possible after an earlier failure. */
  readonly outcome: 'passed' | 'failed' | 'noticed' | 'skipped';
  /** What was found. */
  readonly finding: string;
  /** What to do about it. */
  readonly remedy?: string;
  readonly code?: string;
}

/** Returns a check that passed. */
export function passedCheck(subject: CheckSubject, finding: string): Check {
  return { ...subject, outcome: 'passed', finding: paragraph(finding) };
}

/** Returns a check that was not possible. */
export function skippedCheck(subject: CheckSubject, finding: string): Check {
  return { ...subject, outcome: 'skipped', finding: paragraph(finding) };
}

/** Returns a check with a finding that has a remedy. */
export function noticedCheck(
  subject: CheckSubject,
  finding: string,
  remedy: string,
  outcome: 'noticed' | 'failed' = 'noticed',
): Check {
  return { ...subject, outcome, finding: paragraph(finding), remedy: paragraph(remedy) };
}

/** Returns a check that failed with an error. */
export function failedCheck(subject: CheckSubject, thrown: unknown): Check {
  const error = toDqsyncError(thrown);
  const codes = [error.code, error.requestId].filter((code) => code !== undefined && !error.message.includes(code));
  return {
    ...subject,
    outcome: 'failed',
    finding: paragraph(`${error.message}${codes.length === 0 ? '' : ` (${codes.join(', ')})`}`),
    remedy: paragraph(error.remedy),
    ...(error.code === undefined ? {} : { code: error.code }),
  };
}

/** Runs work that returns a finding or throws, and makes a check of it. */
export async function runCheck(subject: CheckSubject, work: () => Promise<string>): Promise<Check> {
  try {
    return passedCheck(subject, await work());
  } catch (thrown) {
    return failedCheck(subject, thrown);
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
