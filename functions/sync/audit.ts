/**
 * Finds rows that appeared at the source later than the lookback: compares its count of each day with the recorded
 * coverage, and reads days again if the source has more. Reads no data file.
 *
 * Rows that left (re-runs, deletions) are not an error. Coverage then records the count, so that a late row is not
 * offset by a row that left.
 */
import {
  type AuditRecord,
  type LoadedAuditRecord,
  loadAuditRecord,
  saveAuditRecord,
} from '../checkpoint/audit-record.ts';
import { type Checkpoint, withCommitId } from '../checkpoint/checkpoint.ts';
import { identityOf, loadCheckpoint, moveCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { correctRows } from '../checkpoint/coverage.ts';
import { isoTime, newRunId, newToken } from '../clock.ts';
import { type DqsyncError, IncompleteReadError, StoppedError } from '../errors.ts';
import { contains, spanMs } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import type { PageSource } from '../reading/page-source.ts';
import { type AuditSpan, auditSpans } from './audit-spans.ts';
import { runBackfill } from './backfill.ts';
import { addCounters, newCounters, type RunCounters } from './counters.ts';
import type { StepOutcome } from './maintenance-step.ts';
import { SliceReader } from './slice-reader.ts';
import { exactCountOf } from './source-count.ts';
import { calibrateRun, noLateRowsBefore, pageSourceOf, rowsInTimeLeft } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';

/** Audits one target. @throws StateError, SourceError, CredentialsError, StorageError */
export async function audit(run: TargetRun): Promise<StepOutcome> {
  const { checkpoint } = await loadCheckpoint(run.store, run.target.name, identityOf(run));
  const audited = new Audit(run, checkpoint, await loadAuditRecord(run.store, run.target.name));
  try {
    await audited.compareAll();
  } catch (thrown) {
    if (!(thrown instanceof StoppedError)) {
      throw thrown;
    }
  } finally {
    await audited.save();
  }
  return audited.outcome();
}

function spansOf({ clock, settings }: TargetRun, checkpoint: Checkpoint): AuditSpan[] {
  return auditSpans(checkpoint, clock.now() - settings.auditMs, settings.lookbackMs);
}

/** An audit in progress. */
class Audit {
  readonly #run: TargetRun;
  /** Newest first: late rows are most likely there. */
  readonly #spans: readonly AuditSpan[];
  readonly #loaded: LoadedAuditRecord;
  readonly #source: PageSource;
  readonly #counters: RunCounters = newCounters();
  /** The source's count of each span that is complete in the table. */
  readonly #compared = new Map<AuditSpan, number>();
  #lateRows = 0;
  #repaired = 0;
  #failed = 0;
  #error: DqsyncError | null = null;
  #isDone = false;

  constructor(run: TargetRun, checkpoint: Checkpoint, loaded: LoadedAuditRecord) {
    this.#run = run;
    this.#spans = spansOf(run, checkpoint).toReversed();
    this.#loaded = loaded;
    this.#source = pageSourceOf(run, (rows) => {
      this.#counters.rowsRead += rows;
    });
    this.#source.profile.hints.maxSpanMs = checkpoint.maxSpanMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Compares counts first, which costs one request per day. Then reads days whose count is not exact, least recently
   * compared first, so that each has its turn if the time is too short for all.
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
      } else if (rows > span.rows) {
        more.push([span, rows]);
      } else {
        this.#compared.set(span, rows);
      }
    }
    for (const [span, rows] of more) {
      await this.#repair(span, rows);
    }
    const ageOf = (span: AuditSpan): number => this.#comparedAtMs(span) ?? 0;
    for (const span of uncounted.toSorted((a, b) => ageOf(a) - ageOf(b))) {
      await this.#readAndCompare(span);
    }
    this.#isDone = this.#failed === 0;
  }

  /** Records what was compared: in coverage, and for people. */
  async save(): Promise<void> {
    const { store, target, clock } = this.#run;
    await this.#correctCoverage();
    const spans = this.#spans.flatMap((span) => {
      const comparedAtMs = this.#compared.has(span) ? clock.now() : this.#comparedAtMs(span);
      return comparedAtMs === undefined ? [] : [{ fromMs: span.fromMs, toMs: span.toMs, comparedAtMs }];
    });
    const record: AuditRecord = {
      endedAtMs: clock.now(),
      done: this.#isDone,
      days: this.#compared.size,
      lateRows: this.#lateRows,
      repaired: this.#repaired,
      failed: this.#failed,
      spans,
    };
    await saveAuditRecord(store, target.name, this.#loaded, record);
  }

  outcome(): StepOutcome {
    const found = { lateRows: this.#lateRows, repaired: this.#repaired, failed: this.#failed };
    this.#run.log('info', 'audit ended', { target: this.#run.target.name, days: this.#compared.size, ...found });
    const counters = { ...this.#counters, lateRows: this.#lateRows, auditFailures: this.#failed };
    return { counters, done: this.#isDone, error: this.#error };
  }

  /** When an earlier audit compared the same span. */
  #comparedAtMs({ fromMs, toMs }: Window): EpochMs | undefined {
    return this.#loaded.record?.spans.find((span) => span.fromMs === fromMs && span.toMs === toMs)?.comparedAtMs;
  }

  /** Records the counted rows in coverage, on top of what other runs have committed. */
  async #correctCoverage(): Promise<void> {
    const counted = [...this.#compared].filter(([span, rows]) => rows !== span.rows);
    if (counted.length === 0) {
      return;
    }
    const loaded = await loadCheckpoint(this.#run.store, this.#run.target.name, identityOf(this.#run));
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
    const rows = await this.#rowsIn(span).catch((thrown: unknown) => {
      if (!(thrown instanceof IncompleteReadError)) {
        throw thrown;
      }
      this.#fail(span, thrown);
      return null;
    });
    if (rows === null) {
      return;
    }
    if (rows > span.rows) {
      await this.#repair(span, rows);
    } else {
      this.#compared.set(span, rows);
    }
  }

  /** @throws IncompleteReadError, and what reading throws */
  async #rowsIn(span: AuditSpan): Promise<number> {
    const { clock } = this.#run;
    const slices = new SliceReader({
      source: this.#source,
      spans: [span],
      barrierMs: null,
      settledUntilMs: () => noLateRowsBefore(this.#run, clock.now()),
      rereadFromMs: Number.POSITIVE_INFINITY,
      shown: null,
      rowsPerMs: span.rows === 0 ? null : span.rows / spanMs(span),
      rowsInTimeLeft: () => rowsInTimeLeft(this.#run),
      now: () => clock.now(),
    });
    let rows = 0;
    for (let slice = await slices.next(); slice !== null; slice = await slices.next()) {
      const [unproven] = slice.unproven;
      if (unproven !== undefined) {
        throw unproven;
      }
      for (const { execution } of slice.collected.seen.values()) {
        rows += contains(slice.window, execution.startTimeMs) ? 1 : 0;
      }
    }
    return rows;
  }

  /**
   * Reads a day again and writes every row of it: which of them are missing is not known without reading data files.
   */
  async #repair(span: AuditSpan, rows: number): Promise<void> {
    const { target, log, clock, budget } = this.#run;
    const lateRows = rows - span.rows;
    const fields = { target: target.name, from: isoTime(span.fromMs), to: isoTime(span.toMs), lateRows };
    const repair = { ...this.#run, runId: newRunId(clock) };
    const window = { fromMs: span.fromMs, toMs: span.toMs };
    const { counters, error, summary } = await runBackfill(repair, { window, again: true }, 'maintain');
    addCounters(this.#counters, counters);
    this.#lateRows += lateRows;
    if (error !== null) {
      this.#fail(span, error);
    } else if (summary.done) {
      this.#repaired += 1;
      this.#compared.set(span, rows);
      log('warn', 'rows appeared later than the lookback; the day was read again and is complete', fields);
    } else {
      budget.signal.throwIfAborted();
    }
  }

  #fail({ fromMs, toMs }: AuditSpan, error: DqsyncError): void {
    this.#failed += 1;
    this.#error ??= error;
    const fields = { target: this.#run.target.name, from: isoTime(fromMs), to: isoTime(toMs) };
    this.#run.log('warn', `the audit could not compare a day: ${error.message}`, fields);
  }
}
