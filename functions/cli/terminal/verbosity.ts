/** How much a command prints to stderr. Set once from its options before it starts. */

let level: 'quiet' | 'normal' | 'verbose' = 'normal';

/** Sets how much is said: `quiet` leaves out progress and remarks, `verbose` adds what a run does. */
export function setVerbosity({ quiet = false, verbose = false }: { quiet?: boolean; verbose?: boolean }): void {
  level = quiet ? 'quiet' : verbose ? 'verbose' : 'normal';
}

/** Whether progress and remarks are left out. Errors never are. */
export function isQuiet(): boolean {
  return level === 'quiet';
}

/** Whether what a run does is logged in detail. */
export function isVerbose(): boolean {
  return level === 'verbose';
}
