/** Parses the event of an invocation. */
import * as z from 'zod';
import { ConfigError } from '../errors.ts';

/** A valid invocation. */
export type Invocation =
  | {
      readonly mode: 'incremental' | 'maintain';
      /** Names of the targets to run; undefined for all. */
      readonly targets: readonly string[] | undefined;
    }
  | {
      readonly mode: 'backfill';
      readonly targets: readonly string[] | undefined;
      /** A day or an instant as text; both undefined to fill the known gaps. */
      readonly from: string | undefined;
      readonly to: string | undefined;
      /** Whether covered windows are read again too. */
      readonly again: boolean;
      /** Whether rule results are fetched too. */
      readonly results: boolean;
    };

/** Events of EventBridge and its Scheduler. Their other fields are ignored. */
const scheduledEvent = z.looseObject({ source: z.string(), 'detail-type': z.string() });
const modeOf = z.looseObject({ mode: z.unknown() });
const emptyEvent = z.strictObject({});
const plainEvent = z.strictObject({
  mode: z.enum(['incremental', 'maintain']),
  targets: z.array(z.string().min(1)).min(1).optional(),
});

const backfillEvent = z.strictObject({
  ...plainEvent.shape,
  mode: z.literal('backfill'),
  from: z.string().min(1).optional(),
  to: z.string().min(1).optional(),
  again: z.boolean().optional(),
  results: z.boolean().optional(),
});

const allowed =
  'Use {} or {"mode":"incremental"} for all targets, or {"mode":"incremental","targets":["<name>", …]} for some. To backfill a range: {"mode":"backfill","from":"2026-01-01","to":"2026-02-01"}, with "targets", "again":true and "results":true as options. To fill the gaps: {"mode":"backfill"}. For the daily audit: {"mode":"maintain"}, with "targets" as an option. Events of EventBridge and its Scheduler count as {}.';

const problemsByKey: Readonly<Record<string, string>> = {
  mode: '"mode" must be "incremental", "backfill" or "maintain"',
  targets: '"targets" must be a list of at least one target name',
  from: '"from" must be a day or an instant',
  to: '"to" must be a day or an instant',
  again: '"again" must be true or false',
  results: '"results" must be true or false',
};

/**
 * Parses an event.
 *
 * @throws ConfigError saying what is wrong with it and what is allowed
 */
export function parseEvent(event: unknown): Invocation {
  if (emptyEvent.safeParse(event).success || scheduledEvent.safeParse(event).success) {
    return { mode: 'incremental', targets: undefined };
  }
  const isBackfill = modeOf.safeParse(event).data?.mode === 'backfill';
  const parsed = (isBackfill ? backfillEvent : plainEvent).safeParse(event);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(describeIssue);
    throw new ConfigError(`the event is not valid: ${problems.join('; ')}`, { remedy: allowed });
  }
  const { data } = parsed;
  return data.mode !== 'backfill'
    ? { mode: data.mode, targets: data.targets }
    : {
        mode: 'backfill',
        targets: data.targets,
        from: data.from,
        to: data.to,
        again: data.again ?? false,
        results: data.results ?? false,
      };
}

/** Names keys but no values: an event's content must not be logged. */
function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
  }
  if (issue.path.length === 0) {
    return 'it is not a JSON object';
  }
  return problemsByKey[String(issue.path[0])] ?? 'it has a wrong value';
}
