/** Log lines for people, on stderr. */
import type { Log } from '../../model.ts';
import { paragraph } from './formats.ts';
import { isQuiet, isVerbose, writeNote } from './output.ts';

/**
 * Makes a log that writes to stderr: warnings, with `--verbose` everything, with `--quiet` nothing.
 *
 * @param makeRoom called before each line, to clear a progress bar
 */
export function consoleLog(makeRoom: () => void = () => undefined): Log {
  return (level, message, fields) => {
    if (isVerbose() || (level === 'warn' && !isQuiet())) {
      const details = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
      makeRoom();
      writeNote(`[${level}] ${paragraph([message, ...details].join(' '))}`);
    }
  };
}
