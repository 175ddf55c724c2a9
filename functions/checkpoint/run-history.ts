/**
 * The last runs of a target, in one document beside its checkpoint. A run writes it at its end, and never fails because
 * of it: the checkpoint alone says what is done.
 */
import * as z from 'zod';
import { toDqsyncError } from '../errors.ts';
import type { Log } from '../model.ts';
import { runsKey } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import { changeDocument, type DocumentKind, type DocumentRun, loadDocument } from './state-document.ts';
import { jsonLines } from './stored-json.ts';

const format = 'dqsync.runs';
/** A week of hourly runs, 90 kB. */
const keptRuns = 180;

/** The outcome of a run. `waiting`: the secret has no value yet. */
const outcomes = ['done', 'stopped', 'waiting', 'failed'] as const;

const instant = z.iso.datetime();
const runRecord = z.looseObject({
  runId: z.string(),
  mode: z.string(),
  outcome: z.enum(outcomes),
  startedAt: instant,
  endedAt: instant,
  from: instant.nullable(),
  to: instant.nullable(),
  rowsRead: z.number(),
  rowsWritten: z.number(),
  requests: z.number(),
  error: z.string().nullable(),
});

/**
 * One run of one target, with the names of `dqsync runs --json`, and further counters of its summary. Times are ISO
 * 8601 in UTC.
 */
export type RunRecord = Readonly<z.infer<typeof runRecord>>;

/** The document as stored: one run a line, so that a person can read it. A run that cannot be understood is left out. */
const runsKind = (target: string): DocumentKind<readonly RunRecord[]> => ({
  key: runsKey(target),
  schema: z
    .object({ format: z.literal(format), runs: z.array(z.unknown()) })
    .transform(({ runs }) => runs.flatMap((run) => runRecord.safeParse(run).data ?? [])),
  empty: [],
  encode: (runs) => `{"format":"${format}","runs":${jsonLines(runs)}}\n`,
});

/** Returns the last runs of a target, the newest last. @throws StorageError */
export async function loadRuns(store: Store, target: string): Promise<readonly RunRecord[]> {
  return (await loadDocument(store, runsKind(target))).value;
}

/** Adds a run, or replaces its earlier record. A failure is only logged; without time left, nothing is recorded. */
export async function recordRun(run: DocumentRun & { readonly log: Log }, record: RunRecord): Promise<void> {
  if (run.budget?.hardStop.aborted) {
    return;
  }
  try {
    const kind = runsKind(run.target.name);
    await changeDocument(run, kind, await loadDocument(run.store, kind), (runs) => withRun(runs, record));
  } catch (thrown) {
    const { message } = toDqsyncError(thrown);
    // A run that failed reports its own error, which often has the same cause.
    const level = record.outcome === 'failed' ? 'info' : 'warn';
    run.log(level, `the run is missing in "dqsync runs": ${message}`, { target: run.target.name });
  }
}

/** Returns the runs with one more. If there are too many, drops the oldest. */
function withRun(runs: readonly RunRecord[], record: RunRecord): readonly RunRecord[] {
  return [...runs.filter(({ runId }) => runId !== record.runId), record].slice(-keptRuns);
}
