/** Parses the event of an invocation. */
import * as z from 'zod';
import { ConfigError } from '../errors.ts';

const ignored = z.unknown().optional();
/** What EventBridge and its Scheduler send for a schedule that has no input: all fields of their events. */
const scheduledEvent = z
  .strictObject({
    'detail-type': z.literal('Scheduled Event'),
    ...{ version: ignored, id: ignored, source: ignored, account: ignored, time: ignored, region: ignored },
    ...{ resources: ignored, detail: ignored },
  })
  .transform((): Invocation => ({ mode: 'incremental' }));
const kindOf = z.looseObject({ mode: z.unknown(), 'detail-type': z.unknown() }).partial();
const emptyEvent = z.strictObject({});

/** Names of the targets to run; undefined for all. */
const targets = z.array(z.string().min(1)).min(1).readonly().optional();
const plainEvent = z.strictObject({ mode: z.enum(['incremental', 'maintain']), targets }).readonly();
const backfillEvent = z
  .strictObject({
    mode: z.literal('backfill'),
    targets,
    /** A time as text; both undefined to fill the known gaps. */
    from: z.string().min(1).optional(),
    to: z.string().min(1).optional(),
    /** Whether covered windows are read again too. */
    again: z.boolean().default(false),
    /** Whether rule results are fetched too. */
    results: z.boolean().default(false),
  })
  .readonly();

/** A valid invocation. */
export type Invocation = z.output<typeof plainEvent> | z.output<typeof backfillEvent>;

const allowed =
  'Use {} or {"mode":"incremental"} for all targets, or {"mode":"incremental","targets":["<name>", …]} for some. To backfill a range: {"mode":"backfill","from":"2026-01-01","to":"2026-02-01"}, with "targets", "again":true and "results":true as options. To fill the gaps: {"mode":"backfill"}. For the daily maintenance (audit, tasks, compaction): {"mode":"maintain"}, with "targets" as an option. A scheduled event of EventBridge or its Scheduler counts as {}.';

const problemsByKey: Readonly<Record<string, string>> = {
  'detail-type': '"detail-type" must be "Scheduled Event"',
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
  if (emptyEvent.safeParse(event).success) {
    return { mode: 'incremental' };
  }
  const { mode, 'detail-type': detailType } = kindOf.safeParse(event).data ?? {};
  const schema = detailType !== undefined ? scheduledEvent : mode === 'backfill' ? backfillEvent : plainEvent;
  const parsed = schema.safeParse(event);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(describeIssue);
    throw new ConfigError(`the event is not valid: ${problems.join('; ')}`, { remedy: allowed });
  }
  return parsed.data;
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
