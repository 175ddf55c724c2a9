/**
 * Finds rows that appeared at the source later than the lookback, and reads their days again (PROTOCOL.md, An audit).
 * Reads no data file.
 */
import { type AuditRecord, auditKind } from '../../checkpoint/audit-record.ts';
import { type Checkpoint, withCommitId } from '../../checkpoint/checkpoint.ts';
import { loadCheckpoint, moveCheckpoint } from '../../checkpoint/checkpoint-store.ts';
import { correctRows } from '../../checkpoint/coverage.ts';
import { changeDocument, type LoadedDocument, loadDocument } from '../../checkpoint/state-document.ts';
import { isoTime, newRunId, newToken } from '../../clock.ts';
import { type DqsyncError, IncompleteReadError, StoppedError } from '../../errors.ts';
import type { EpochMs, Window } from '../../model.ts';
import type { PageSource } from '../../reading/page-source.ts';
import { runBackfill } from '../backfill.ts';
import { addCounters, type RunCounters } from '../counters.ts';
import type { ReadSlice } from '../slice-reader.ts';
import { exactCountOf, executionsIn, readSpan } from '../span-reader.ts';
import { calibrateRun, pageSourceOf, rowsInTimeLeft } from '../target-reader.ts';
import type { TargetRun } from '../target-run.ts';
import { type AuditSpan, auditSpans } from './audit-spans.ts';
import { lookUpRuns, tasksToCompare, type UnknownRun, unknownRuns } from './last-runs.ts';

/**
 * Audits one target. Adds to `counters`. Returns whether it compared all days.
 *
 * @throws StateError, SourceError, CredentialsError, StorageError; the first error of a day that could not be compared
 * or repaired, after the others
 */
export async function audit(run: TargetRun, counters: RunCounters): Promise<boolean> {
  const { checkpoint } = await loadCheckpoint(run);
  const loaded = await loadDocument(run.store, auditKind(run.target.name));
  const audited = new Audit(run, counters, checkpoint, loaded);
  try {
    await audited.compareAll();
  } catch (thrown) {
    if (!(thrown instanceof StoppedError)) {
      throw thrown;
    }
  } finally {
    await audited.save();
  }
  return audited.end();
}

function spansOf({ clock, settings }: TargetRun, checkpoint: Checkpoint): AuditSpan[] {
  return auditSpans(checkpoint, clock.now() - settings.auditMs, settings.lookbackMs);
}

/** Whether a span with `rows` rows at the source may lack some in the table. */
function isDoubtful(span: AuditSpan, rows: number): boolean {
  return span.isEstimate || rows > span.rows;
}

function lateRowsOf(span: AuditSpan, rows: number): number {
  return span.isEstimate ? 0 : rows - span.rows;
}

/** An audit in progress. */
class Audit {
  readonly #run: TargetRun;
  /** Newest first: late rows are most likely there. */
  readonly #spans: readonly AuditSpan[];
  readonly #loaded: LoadedDocument<AuditRecord | null>;
  readonly #source: PageSource;
  readonly #counters: RunCounters;
  /** The source's count of each span that is complete in the table. */
  readonly #compared = new Map<AuditSpan, number>();
  #repaired = 0;
  #error: DqsyncError | null = null;
  #isDone = false;

  constructor(
    run: TargetRun,
    counters: RunCounters,
    checkpoint: Checkpoint,
    loaded: LoadedDocument<AuditRecord | null>,
  ) {
    this.#run = run;
    this.#counters = counters;
    this.#spans = spansOf(run, checkpoint).toReversed();
    this.#loaded = loaded;
    this.#source = pageSourceOf(run, (rows) => {
      counters.rowsRead += rows;
    });
    this.#source.profile.hints.maxSpanMs = checkpoint.maxSpanMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Compares counts first, which costs one request per day, or two if its reply is empty. Then reads days whose count
   * is not exact, least recently compared first, so that each has its turn if the time is too short for all. Compares
   * the last runs at the end, when the days that lacked rows are complete.
   */
  async compareAll(): Promise<void> {
    const [newest] = this.#spans;
    const oldest = this.#spans.at(-1);
    if (newest !== undefined && oldest !== undefined) {
      await calibrateRun(this.#source, { fromMs: oldest.fromMs, toMs: newest.toMs });
    }
    const uncounted: AuditSpan[] = [];
    const more: [AuditSpan, number][] = [];
    for (const span of this.#spans) {
      const rows = await exactCountOf(this.#source, span);
      if (rows === null) {
        uncounted.push(span);
      } else if (isDoubtful(span, rows)) {
        more.push([span, rows]);
      } else {
        this.#compared.set(span, rows);
      }
    }
    for (const [span, rows] of more) {
      await this.#repair(span, rows, lateRowsOf(span, rows));
    }
    const ageOf = (span: AuditSpan): number => this.#comparedAtMs(span) ?? 0;
    for (const span of uncounted.toSorted((a, b) => ageOf(a) - ageOf(b))) {
      // An estimate is to be read again and written, however many rows there are.
      await (span.isEstimate ? this.#repair(span, null, 0) : this.#readAndCompare(span));
    }
    await this.#compareLastRuns();
    this.#isDone = this.#error === null;
  }

  /** Records what was compared: in coverage, and for people. */
  async save(): Promise<void> {
    const { clock } = this.#run;
    await this.#correctCoverage();
    const spans = this.#spans.flatMap((span) => {
      const comparedAtMs = this.#compared.has(span) ? clock.now() : this.#comparedAtMs(span);
      return comparedAtMs === undefined ? [] : [{ fromMs: span.fromMs, toMs: span.toMs, comparedAtMs }];
    });
    const record: AuditRecord = {
      endedAtMs: clock.now(),
      done: this.#isDone,
      days: this.#compared.size,
      lateRows: this.#counters.lateRows,
      repaired: this.#repaired,
      failed: this.#counters.auditFailures,
      spans,
    };
    await changeDocument(this.#run, auditKind(this.#run.target.name), this.#loaded, () => record);
  }

  /** Returns whether it compared all days. @throws the first error of a day */
  end(): boolean {
    const { log, target } = this.#run;
    const { lateRows, auditFailures: failed } = this.#counters;
    const fields = { days: this.#compared.size, lateRows, repaired: this.#repaired, failed };
    log('info', 'audit ended', { target: target.name, ...fields });
    if (this.#error !== null) {
      throw this.#error;
    }
    return this.#isDone;
  }

  /** When an earlier audit compared the same span. */
  #comparedAtMs({ fromMs, toMs }: Window): EpochMs | undefined {
    return this.#loaded.value?.spans.find((span) => span.fromMs === fromMs && span.toMs === toMs)?.comparedAtMs;
  }

  /** Records the counted rows in coverage, on top of what other runs have committed. */
  async #correctCoverage(): Promise<void> {
    const counted = [...this.#compared].filter(([span, rows]) => rows !== span.rows || span.isEstimate);
    if (counted.length === 0) {
      return;
    }
    const loaded = await loadCheckpoint(this.#run);
    const commitId = newToken();
    await moveCheckpoint(this.#run, loaded, commitId, (current) => ({
      ...current,
      coverage: spansOf(this.#run, current).reduce((coverage, now) => {
        const rows = counted.find(([{ fromMs, toMs }]) => fromMs === now.fromMs && toMs === now.toMs)?.[1];
        return rows === undefined ? coverage : correctRows(coverage, now, rows - now.rows);
      }, current.coverage),
      commitIds: withCommitId(current.commitIds, commitId),
    }));
  }

  /** Reads a day without writing it, and repairs it if it has more rows than expected. */
  async #readAndCompare(span: AuditSpan): Promise<void> {
    let rows = 0;
    try {
      await this.#read(span, (slice) => {
        rows += executionsIn(slice).length;
      });
    } catch (thrown) {
      if (!(thrown instanceof IncompleteReadError)) {
        throw thrown;
      }
      this.#fail(span, thrown);
      return;
    }
    if (rows > span.rows) {
      await this.#repair(span, rows, rows - span.rows);
    } else {
      this.#compared.set(span, rows);
    }
  }

  /**
   * Looks for the last run of each task whose newest recorded execution is older, and repairs the days of those. Days
   * that could not be compared are left out.
   */
  async #compareLastRuns(): Promise<void> {
    const tasks = await tasksToCompare(this.#run);
    if (tasks.length === 0) {
      return;
    }
    const { checkpoint } = await loadCheckpoint(this.#run);
    const unknown = unknownRuns(tasks, checkpoint, [...this.#compared.keys()], this.#run.target.filter);
    const { listed, unlisted } = await lookUpRuns(unknown, (span, onSlice) => this.#read(span, onSlice));
    this.#warnOfUnlisted(unlisted);
    for (const [span, runs] of Map.groupBy(listed, (run) => run.span)) {
      const rows = this.#compared.get(span) ?? span.rows;
      // If the repair stops early, the next audit finds by the count that it is to be continued.
      this.#compared.set(span, rows - runs.length);
      await this.#repair(span, rows, runs.length);
    }
  }

  #warnOfUnlisted(unlisted: readonly UnknownRun<AuditSpan>[]): void {
    const [newest] = unlisted;
    if (newest !== undefined) {
      const message =
        'the task list shows last runs that are not in the instance list: they were deleted, are not listed yet, or started at another time. The table lacks them too, and the next audit looks for them again. If this repeats, look them up in the console';
      const fields = { tasks: unlisted.length, task: newest.task.name ?? '', at: isoTime(newest.startedAtMs) };
      this.#run.log('warn', message, { target: this.#run.target.name, ...fields });
    }
  }

  /** @throws IncompleteReadError, and what reading throws */
  async #read(span: Window & { readonly rows: number }, onSlice: (slice: ReadSlice) => void): Promise<void> {
    const run = this.#run;
    const { clock } = run;
    const rowsLeft = (): number => rowsInTimeLeft(run);
    await readSpan({ run, source: this.#source, span, rowsInTimeLeft: rowsLeft, now: () => clock.now() }, onSlice);
  }

  /**
   * Reads a day again and writes every row of it: which of them are missing is not known without reading data files.
   *
   * @param rows rows at the source; null if they are to be counted now
   * @param lateRows how many of them are known to be missing
   */
  async #repair(span: AuditSpan, rows: number | null, lateRows: number): Promise<void> {
    const { target, log, clock, budget } = this.#run;
    const fields = { target: target.name, from: isoTime(span.fromMs), to: isoTime(span.toMs), lateRows };
    const repair = { ...this.#run, runId: newRunId(clock) };
    const window = { fromMs: span.fromMs, toMs: span.toMs };
    const { counters, error, summary, foundAgain } = await runBackfill(repair, { window, again: true }, 'maintain');
    addCounters(this.#counters, counters);
    this.#counters.lateRows += lateRows;
    if (error !== null) {
      this.#fail(span, error);
    } else if (summary.done) {
      this.#repaired += 1;
      // What a continued repair has found is only a part of the rows: then the next audit counts them.
      const found = rows ?? foundAgain;
      if (found !== null) {
        this.#compared.set(span, found);
      }
      if (lateRows > 0) {
        log('warn', 'rows appeared later than the lookback; the day was read again and is complete', fields);
      } else {
        log(
          'info',
          'a rewind had removed a part of this span from coverage, so its number of rows was an estimate; the span was read again and is complete',
          fields,
        );
      }
    } else {
      budget.signal.throwIfAborted();
    }
  }

  #fail({ fromMs, toMs }: AuditSpan, error: DqsyncError): void {
    this.#counters.auditFailures += 1;
    this.#error ??= error;
    const fields = { target: this.#run.target.name, from: isoTime(fromMs), to: isoTime(toMs) };
    this.#run.log('warn', `the audit could not compare a day: ${error.message}`, fields);
  }
}
