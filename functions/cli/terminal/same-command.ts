/** Writes the command that repeats or continues the one that runs. Pure. */
import type { TargetOptions } from './open-targets.ts';

/** Returns a command with the range, targets and config of `options`, and `flags`, as a user would type it. */
export function commandWith(
  name: string,
  { config, target, from, to }: TargetOptions & { readonly from?: string; readonly to?: string },
  flags: readonly string[],
): string {
  return [
    `dqsync ${name}`,
    ...(from === undefined ? [] : [`--from ${argument(from)}`]),
    ...(to === undefined ? [] : [`--to ${argument(to)}`]),
    ...target.map((each) => `--target ${each}`),
    ...flags,
    ...(config === 'dqsync.json' ? [] : [`--config ${JSON.stringify(config)}`]),
  ].join(' ');
}

/** A local time has a space. */
function argument(text: string): string {
  return text.includes(' ') ? `"${text}"` : text;
}
