/** Refuses ranges of start times of which nothing can be read yet. */
import type { Config } from '../../config.ts';
import { ConfigError } from '../../errors.ts';
import type { EpochMs, Window } from '../../model.ts';
import { settingsOf } from '../../sync/targets.ts';

/**
 * Returns the part of a range that is settled: later rows may not be listed yet.
 *
 * @param from its start as given, for messages
 * @throws ConfigError if there is none
 */
export function settledPart(range: Window, from: string, config: Config, nowMs: EpochMs): Window {
  const settledMs = nowMs - settingsOf(config).settleMs;
  if (range.fromMs >= settledMs) {
    throw new ConfigError(`--from ${JSON.stringify(from)} is in the future, or within the settle time`, {
      remedy: 'Only past rows can be read: give an earlier --from.',
    });
  }
  return { fromMs: range.fromMs, toMs: Math.min(range.toMs, settledMs) };
}
