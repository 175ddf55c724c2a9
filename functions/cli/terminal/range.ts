/** The range of a command, and how the command is repeated. */
import type { EpochMs, Window } from '../../model.ts';
import { argumentAt } from './formats.ts';
import type { TargetOptions } from './open-targets.ts';

/** The options of commands about a range. */
export interface RangeOptions extends TargetOptions {
  readonly from?: string;
  readonly to?: string;
}

/**
 * Returns a command with the range, targets and config of `options`, and `flags`, as a user would type it.
 *
 * @param range the range that `options` mean; null without one
 */
export function commandWith(
  name: string,
  { config, target, from = '', to = '' }: RangeOptions,
  range: Window | null,
  flags: readonly string[],
): string {
  return [
    `dqsync ${name}`,
    ...(range === null ? [] : [`--from ${argument(from, range.fromMs)}`, `--to ${argument(to, range.toMs)}`]),
    ...target.map((each) => `--target ${each}`),
    ...flags,
    ...(config === 'dqsync.json' ? [] : [`--config ${JSON.stringify(config)}`]),
  ].join(' ');
}

/** Returns a time as typed, with quotes if it has a space. A relative one would mean another time later. */
function argument(text: string, ms: EpochMs): string {
  if (!/^\d{4}-/.test(text)) {
    return argumentAt(ms);
  }
  return text.includes(' ') ? `"${text}"` : text;
}
