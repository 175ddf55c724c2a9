/** What the function may be invoked with. */
import * as z from 'zod';
import { ConfigError } from '../errors.ts';

/** What an event asks for. */
export interface Invocation {
  /** Names of the targets to run; undefined for all. */
  readonly targets: readonly string[] | undefined;
}

/** EventBridge's and Scheduler's own events; what else is in them is theirs. */
const scheduledEvent = z.looseObject({ source: z.string(), 'detail-type': z.string() });
const emptyEvent = z.strictObject({});
const incrementalEvent = z.strictObject({
  mode: z.literal('incremental'),
  targets: z.array(z.string().min(1)).min(1).optional(),
});

const allowed =
  'Invoke it with {} or {"mode":"incremental"} for all targets, or {"mode":"incremental","targets":["<name>", …]} for some; events of EventBridge and its Scheduler stand for {}.';

/**
 * Reads the event.
 *
 * @throws ConfigError saying what is wrong with it and what is allowed
 */
export function parseEvent(event: unknown): Invocation {
  if (emptyEvent.safeParse(event).success || scheduledEvent.safeParse(event).success) {
    return { targets: undefined };
  }
  const parsed = incrementalEvent.safeParse(event);
  if (parsed.success) {
    return { targets: parsed.data.targets };
  }
  const problems = parsed.error.issues.map(describeIssue);
  throw new ConfigError(`the event is not one this function knows: ${problems.join('; ')}`, { remedy: allowed });
}

/** Names keys, never values: what an event holds is not ours to repeat. */
function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
  }
  if (issue.path.length === 0) {
    return 'it is not a JSON object';
  }
  return issue.path[0] === 'mode'
    ? '"mode" must be "incremental"'
    : '"targets" must be a list of one or more names of targets';
}
