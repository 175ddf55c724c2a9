/** What a backfill is asked for, by a command or an event. Light to load. */
import { ConfigError } from '../errors.ts';
import type { Window } from '../model.ts';
import { parseRange } from '../time-range.ts';

/** What a backfill is asked for. `again` reads what is covered once more, too; without a window: the gaps that `status` shows. */
export type BackfillTask =
  | { readonly window: Window; readonly again: true }
  | { readonly window: Window | null; readonly again: false };

/**
 * Reads a task.
 *
 * @param asked days or instants, as they came
 * @param names how the user calls its parts, for example `--from`
 * @throws ConfigError saying what is allowed
 */
export function parseBackfillTask(
  asked: { readonly from?: string | undefined; readonly to?: string | undefined; readonly again?: boolean | undefined },
  names: { readonly from: string; readonly to: string; readonly again: string },
  timeZone: string,
): BackfillTask {
  const window = parseRange(asked, names, timeZone);
  if (asked.again !== true) {
    return { window, again: false };
  }
  if (window === null) {
    throw new ConfigError(`${names.again} needs ${names.from} and ${names.to}`, {
      remedy: `Say what is to be read once more, for example ${names.from} 2026-01-01 ${names.to} 2026-02-01.`,
    });
  }
  return { window, again: true };
}
