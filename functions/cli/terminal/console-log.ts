/** Log lines for people, on stderr. */
import { createConsola } from 'consola/basic';
import type { Log } from '../../model.ts';
import { paragraph } from './formats.ts';
import { isQuiet, isVerbose, widthOf } from './output.ts';
import { wrapped } from './wrap.ts';

/**
 * Makes a log that writes to stderr: warnings, with `--verbose` everything, with `--quiet` nothing.
 *
 * @param makeRoom called before each line, to clear a progress bar
 */
export function consoleLog(makeRoom: () => void = () => undefined): Log {
  // The level is set here, because consola chooses another one if it believes that it runs in a test.
  const consola = createConsola({ level: 3, stdout: process.stderr, stderr: process.stderr });
  return (level, message, fields) => {
    if (isVerbose() || (level === 'warn' && !isQuiet())) {
      const details = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
      makeRoom();
      const text = paragraph([message, ...details].join(' '));
      consola[level](wrapped(`[${level}] ${text}`, widthOf(process.stderr)).slice(level.length + 3));
    }
  };
}
