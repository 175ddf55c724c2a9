/** The task of a backfill, from a command or an event. Loads little. */
import { ConfigError } from '../errors.ts';
import type { EpochMs, Window } from '../model.ts';
import { parseRange } from '../time-range.ts';

/** The range of a backfill; null for the gaps that `status` shows. `again` also reads what is covered. */
export type BackfillTask =
  | { readonly window: Window; readonly again: true }
  | { readonly window: Window | null; readonly again: false };

/**
 * Parses a task.
 *
 * @param asked days or instants as text
 * @param names the names of its parts in messages, for example `--from`
 * @param settledMs its range must start before this
 * @throws ConfigError saying what is allowed
 */
export function parseBackfillTask(
  asked: { readonly from?: string | undefined; readonly to?: string | undefined; readonly again?: boolean | undefined },
  names: { readonly from: string; readonly to: string; readonly again: string },
  timeZone: string,
  settledMs: EpochMs,
): BackfillTask {
  const window = parseRange(asked, names, timeZone, settledMs);
  if (asked.again !== true) {
    return { window, again: false };
  }
  if (window === null) {
    throw new ConfigError(`${names.again} needs ${names.from} and ${names.to}`, {
      remedy: `Give the range to read again, for example ${names.from} 2026-01-01 ${names.to} 2026-02-01.`,
    });
  }
  return { window, again: true };
}
