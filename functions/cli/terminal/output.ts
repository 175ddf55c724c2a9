/** Output of commands: results to stdout, everything else to stderr, with colors only on a terminal. */
import pico from 'picocolors';
import { DqsyncError } from '../../errors.ts';
import type { Log } from '../../model.ts';
import { summaryError } from '../../sync/summary.ts';
import { paragraph } from './formats.ts';
import { wrapped } from './wrap.ts';

/** `--no-color`, then FORCE_COLOR, which counts for more than NO_COLOR as in Node, then what the stream is. */
function wantsColors(stream: NodeJS.WriteStream): boolean {
  if (process.argv.includes('--no-color')) {
    return false;
  }
  const forced = process.env['FORCE_COLOR'];
  if (forced !== undefined) {
    return forced !== '0' && forced !== 'false';
  }
  return stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
}

/** Colors for stdout; none in a pipe. */
export const paint = pico.createColors(wantsColors(process.stdout));

const paintError = pico.createColors(wantsColors(process.stderr));

/** Columns of a terminal that does not say how many it has. */
export const defaultWidth = 80;

let pipeWidth: number | null = null;

/** Makes everything fit 80 columns in a pipe too: what this process prints is for people only. */
export function fitPipes(): void {
  pipeWidth = defaultWidth;
}

/** Returns the width of a terminal; null in a pipe, where nothing is shortened or wrapped. */
export function widthOf({ isTTY, columns }: NodeJS.WriteStream): number | null {
  // A terminal without a size, as of some containers, has 0 columns.
  return isTTY === true ? columns || defaultWidth : pipeWidth;
}

/** Writes one or more lines to stdout, wrapped to the terminal. */
export function writeLine(text: string): void {
  writeData(wrapped(text, widthOf(process.stdout)));
}

/** Writes values to stdout that must not be changed. */
export function writeData(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes the JSON document of a command to stdout. 64-bit integers become text, so that they stay exact. */
export function writeJson(document: unknown): void {
  writeData(JSON.stringify(document, (_key, value) => plainJson(value), 2));
}

function plainJson(value: unknown): unknown {
  if (value instanceof DqsyncError) {
    return { ...(value.target === undefined ? {} : { target: value.target }), ...summaryError(value) };
  }
  return typeof value === 'bigint' ? String(value) : value;
}

/** The option that chooses between text and a document. */
export interface OutputOptions {
  readonly json?: boolean;
}

/** Writes the result of a command: the document with `--json`, otherwise the text. */
export function writeResult({ json }: OutputOptions, document: unknown, text: () => string): void {
  if (json) {
    writeJson(document);
  } else {
    writeLine(text());
  }
}

/** A hint that the targets and days shown have no executions. */
export const noneOfDaysHint =
  'The table has no executions of these targets and days. "dqsync status" shows which it covers; "dqsync sync" reads more.';

/** Writes a remark to stderr, wrapped to the terminal. */
export function writeNote(text: string): void {
  process.stderr.write(`${wrapped(text, widthOf(process.stderr))}\n`);
}

/** Writes an error to stderr. */
export function writeError(text: string): void {
  writeNote(`${paintError.red('error:')} ${text}`);
}

let level: 'quiet' | 'normal' | 'verbose' = 'normal';

/** Sets how much is said: `quiet` leaves out progress and remarks, `verbose` adds what a run does. */
export function setVerbosity({ quiet = false, verbose = false }: { quiet?: boolean; verbose?: boolean }): void {
  level = quiet ? 'quiet' : verbose ? 'verbose' : 'normal';
}

/** Whether progress and remarks are left out. Errors never are. */
export function isQuiet(): boolean {
  return level === 'quiet';
}

/**
 * Makes a log that writes to stderr: warnings, with `--verbose` everything, with `--quiet` nothing.
 *
 * @param makeRoom called before each line, to clear a progress bar
 */
export function consoleLog(makeRoom: () => void = () => undefined): Log {
  return (logged, message, fields) => {
    if (level === 'verbose' || (logged === 'warn' && level === 'normal')) {
      const { target, ...others } = fields;
      // The target first, as in errors: the message may end with a command to copy.
      const about = target === undefined ? '' : `target ${target}: `;
      const details = Object.entries(others).map(([name, value]) => `${name}=${value}`);
      const inBrackets = details.length === 0 ? '' : ` (${details.join(', ')})`;
      makeRoom();
      writeNote(`[${logged}] ${paragraph(`${about}${message}${inBrackets}`)}`);
    }
  };
}
