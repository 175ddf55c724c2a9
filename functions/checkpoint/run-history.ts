/**
 * The last runs of a target, in one document beside its checkpoint. A run writes it at its end, and never fails because
 * of it: the checkpoint alone says what is done.
 */
import * as z from 'zod';
import { toDqsyncError } from '../errors.ts';
import type { Log, Target } from '../model.ts';
import { runsKey } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import { WriteRetries, type WritingRun } from '../warehouse/write-retries.ts';

const format = 'dqsync.runs';
/** A week of hourly runs; with the backfills below, 100 kB. */
const keptRuns = 180;
/** Backfills that did not reach their end and are older than the runs above. */
const keptUnfinished = 20;
/** Attempts that other runs may win. */
const maxLost = 5;

/** The outcome of a run. `running` remains if a backfill is killed; `waiting`: the secret has no value yet. */
const outcomes = ['running', 'done', 'stopped', 'waiting', 'failed'] as const;

const instant = z.iso.datetime();
const runRecord = z.looseObject({
  runId: z.string(),
  mode: z.string(),
  outcome: z.enum(outcomes),
  startedAt: instant,
  endedAt: instant.nullable(),
  from: instant.nullable(),
  to: instant.nullable(),
  rowsRead: z.number(),
  rowsWritten: z.number(),
  requests: z.number(),
  error: z.string().nullable(),
});
const document = z.object({ format: z.literal(format), runs: z.array(z.unknown()) });

/**
 * One run of one target, with the names of `dqsync runs --json`, and further counters of its summary. Times are ISO
 * 8601 in UTC.
 */
export type RunRecord = Readonly<z.infer<typeof runRecord>>;

/** The parts of a run that recording it needs. */
export interface RecordedRun extends WritingRun {
  readonly target: Target;
  readonly store: Store;
  readonly log: Log;
}

/**
 * Returns the last runs of a target, the newest last. A document that cannot be understood counts as empty.
 *
 * @throws StorageError
 */
export async function loadRuns(store: Store, target: string): Promise<readonly RunRecord[]> {
  const object = await store.get(runsKey(target));
  return object === null ? [] : decode(object.bytes);
}

/** Adds a run, or replaces its earlier record. A failure is only logged; without time left, nothing is recorded. */
export async function recordRun(run: RecordedRun, record: RunRecord): Promise<void> {
  if (run.budget?.hardStop.aborted) {
    return;
  }
  try {
    await write(run, record);
  } catch (thrown) {
    const { message } = toDqsyncError(thrown);
    run.log('warn', `the run is missing in "dqsync runs": ${message}`, { target: run.target.name });
  }
}

async function write(run: RecordedRun, record: RunRecord): Promise<void> {
  const { store, target } = run;
  const key = runsKey(target.name);
  const lostTooOften = (attempts: string): Error => new Error(`other runs committed first each time (${attempts})`);
  const retries = new WriteRetries(run, {
    maxLost,
    lostTooOften: (text) => toDqsyncError(lostTooOften(text)),
  });
  for (;;) {
    const existing = await store.get(key);
    const bytes = encode(withRun(existing === null ? [] : decode(existing.bytes), record));
    const outcome =
      existing === null ? await store.putIfAbsent(key, bytes) : await store.putIfMatch(key, bytes, existing.etag);
    if (outcome.kind === 'won') {
      return;
    }
    // A write whose reply was lost may have landed: written again, it replaces itself.
    await retries.pauseAfter(outcome);
    retries.requireAnother(outcome);
  }
}

/** Returns the runs with one more. If there are too many, drops the oldest first, and unfinished backfills last. */
function withRun(runs: readonly RunRecord[], record: RunRecord): readonly RunRecord[] {
  const all = [...runs.filter(({ runId }) => runId !== record.runId), record];
  const newest = all.slice(-keptRuns);
  const unfinished = unfinishedBackfills(all).filter((run) => !newest.includes(run));
  return [...unfinished.slice(-keptUnfinished), ...newest];
}

/**
 * Returns the backfills that did not reach their end and that no later one has taken to its end; of the same range the
 * last.
 */
export function unfinishedBackfills(runs: readonly RunRecord[]): readonly RunRecord[] {
  return runs.filter((run, index) => {
    const { mode, outcome, from, to } = run;
    const isUnfinished = mode === 'backfill' && outcome !== 'done' && from !== null && to !== null;
    return (
      isUnfinished &&
      !runs.slice(index + 1).some((later) => later.mode === 'backfill' && later.from === from && later.to === to)
    );
  });
}

function decode(bytes: Uint8Array): readonly RunRecord[] {
  const parsed = document.safeParse(parseJson(new TextDecoder().decode(bytes)));
  const runs = parsed.success ? parsed.data.runs : [];
  return runs.flatMap((run) => runRecord.safeParse(run).data ?? []);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** One run a line, so that a person can read it. */
function encode(runs: readonly RunRecord[]): Uint8Array {
  const lines = runs.map((run) => JSON.stringify(run)).join(',\n');
  return new TextEncoder().encode(`{"format":"${format}","runs":[\n${lines}\n]}\n`);
}
