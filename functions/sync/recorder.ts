/**
 * What a run has read and not yet committed, and the commit of it. Holds at most one commit's worth of rows.
 */
import { newToken } from '../clock.ts';
import { InternalError } from '../errors.ts';
import { type EpochMs, type Execution, executionKey, isOpen, type UnreadableRow, type Window } from '../model.ts';
import type { Collected, Seen } from '../reading/collected.ts';
import { contains } from '../reading/window.ts';
import { commitChange, type LoadedCheckpoint } from './commit.ts';
import { writeObservations, writeQuarantine } from './data-files.ts';
import { PendingObservations } from './pending-observations.ts';
import { awaitedOf, type Change, type Checkpoint, edgeMs, type LastRun } from './plan/checkpoint.ts';
import { gapsIn } from './plan/coverage.ts';
import { fingerprintOf, fingerprintOfUnreadable } from './plan/fingerprint.ts';
import type { TargetRun } from './target-run.ts';

/** A commit is due from so many rows on: with the slice that tips it over and the one read ahead, no kill costs more than 50,000. */
const commitRows = 10_000;
/** … or after so long. */
const commitAfterMs = 100_000;

interface Known {
  readonly fingerprint: string;
  readonly observedAtMs: EpochMs;
}

/** A change being gathered. */
type Draft = { -readonly [key in keyof Omit<Change, 'commitId' | 'run'>]: Change[key][number][] };

/** Counts over the whole run. */
export interface Totals {
  rowsWritten: number;
  files: number;
  bytes: number;
  quarantined: number;
  commits: number;
  conflicts: number;
  givenUp: number;
}

/** Gathers and commits what one run of one target reads. */
export class Recorder {
  readonly totals: Totals = {
    rowsWritten: 0,
    files: 0,
    bytes: 0,
    quarantined: 0,
    commits: 0,
    conflicts: 0,
    givenUp: 0,
  };
  readonly #run: TargetRun;
  readonly #mode: LastRun['mode'];
  readonly #startedAtMs: EpochMs;
  #recentFromMs: EpochMs;
  /** How far the source's clock, which tells ends, is behind ours. */
  #sourceLagMs = 0;
  #loaded: LoadedCheckpoint;
  #known: Map<string, Known> = new Map();
  /** Rows at the end of the last window, which the next, widened one shows again. */
  #edge: [string, Known][] = [];
  #openKeys: Set<string> = new Set();
  readonly #observations: PendingObservations;
  #quarantine: UnreadableRow[] = [];
  #quarantinedBefore: Set<string> = new Set();
  #draft: Draft = emptyDraft();
  #committedAtMs: EpochMs;
  #nextPart = 0;
  #isBroken = false;

  /** @param untilMs where the run means to end: what starts within the lookback before it is read again by the next */
  constructor(run: TargetRun, loaded: LoadedCheckpoint, mode: LastRun['mode'], untilMs: EpochMs) {
    this.#run = run;
    this.#recentFromMs = untilMs - run.settings.lookbackMs;
    this.#mode = mode;
    this.#loaded = loaded;
    const { workspace, projectId } = run.target;
    this.#observations = new PendingObservations({ workspace, projectId, runId: run.runId });
    this.#startedAtMs = run.clock.now();
    this.#committedAtMs = this.#startedAtMs;
    this.#remember(loaded.checkpoint);
  }

  /** The checkpoint as last loaded or committed. */
  get checkpoint(): Checkpoint {
    return this.#loaded.checkpoint;
  }

  /** Whether a commit has failed. What it held is neither in the table for sure nor here any more: there must be no other. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Whether enough is gathered to commit. */
  get isDue(): boolean {
    return (
      this.#observations.count + this.#quarantine.length >= commitRows ||
      this.#run.clock.now() - this.#committedAtMs >= commitAfterMs
    );
  }

  /** Records a window that was proven complete, up to `provenToMs`, and every row it showed. */
  addWindow(window: Window, provenToMs: EpochMs, collected: Collected): void {
    const recentFromMs = Math.min(window.toMs, provenToMs) - this.#run.settings.lookbackMs - edgeMs;
    if (provenToMs < window.toMs) {
      this.#recentFromMs = Math.min(this.#recentFromMs, recentFromMs);
    }
    const startTimesMs: EpochMs[] = [];
    this.#sourceLagMs = Math.max(0, -(this.#run.source.stats().clockSkewMs ?? 0));
    const gaps = gapsIn(window, this.checkpoint.coverage);
    this.#edge = [];
    for (const [key, seen] of collected.seen) {
      const { startTimeMs } = seen.execution;
      startTimesMs.push(startTimeMs);
      const isInGap = gaps.some((gap) => contains(gap, startTimeMs));
      if (!isInGap && contains(window, startTimeMs) && !this.#known.has(key)) {
        this.#draft.lateStartTimesMs.push(startTimeMs);
      }
      const isRecent = startTimeMs >= recentFromMs;
      const known = this.#observe(key, seen, isRecent);
      if (known !== null && startTimeMs >= window.toMs - edgeMs) {
        this.#edge.push([key, known]);
      }
    }
    for (const row of collected.unreadable.values()) {
      this.#quarantineOnce(row);
    }
    if (provenToMs > window.fromMs) {
      this.#draft.windows.push({ window: { fromMs: window.fromMs, toMs: provenToMs }, startTimesMs });
    }
  }

  /** Records an execution that was looked at by itself. */
  addReobserved(key: string, seen: Seen): void {
    this.#observe(key, seen, false);
  }

  /** Writes an execution once more that the source no longer has, saying so in `extra`, and closes it. */
  addVanished(execution: Execution, vanishedAt: string): void {
    const extra = vanishedExtra(execution.extra, vanishedAt);
    const key = executionKey(execution);
    const observedAtMs = this.#laterThan(key, this.#run.clock.now());
    this.#observations.add({ ...execution, extra }, observedAtMs);
    this.#draft.closed.push({ key, observedAtMs });
    this.#openKeys.delete(key);
  }

  /** Stops looking at an execution, without a word in the table. */
  close(key: string): void {
    this.#draft.closed.push({ key, observedAtMs: this.#laterThan(key, this.#run.clock.now()) });
    this.#openKeys.delete(key);
  }

  /**
   * Writes data files, quarantine and then the checkpoint. Commits also when nothing was read: how the run went.
   *
   * @returns whether another run committed meanwhile
   * @throws StorageError, ConflictError, StateError; then nothing of the draft is in the checkpoint, and its rows are written again by the next run
   */
  async commit(outcome: LastRun['outcome'], error: string | null): Promise<boolean> {
    if (this.#isBroken) {
      throw new InternalError('a commit was tried after one that failed', { remedy: 'Please report this defect.' });
    }
    this.#isBroken = true;
    const rows = this.#observations.take();
    if (rows.length > 0) {
      const written = await writeObservations(this.#run, rows, this.#nextPart);
      this.#nextPart += written.files;
      this.totals.files += written.files;
      this.totals.bytes += written.bytes;
      this.totals.rowsWritten += rows.length;
    }
    if (this.#quarantine.length > 0) {
      await writeQuarantine(this.#run, this.#quarantine);
      this.totals.quarantined += this.#quarantine.length;
    }
    const committedAtMs = this.#run.clock.now();
    const { runId } = this.#run;
    const { rowsWritten } = this.totals;
    const change: Change = {
      ...this.#draft,
      commitId: newToken(),
      run: { runId, mode: this.#mode, startedAtMs: this.#startedAtMs, committedAtMs, outcome, rowsWritten, error },
    };
    this.#quarantine = [];
    this.#draft = emptyDraft();
    const committed = await commitChange(this.#run, this.#loaded, change);
    this.#loaded = committed;
    this.totals.commits += 1;
    this.totals.conflicts += committed.conflicted ? 1 : 0;
    this.#committedAtMs = committedAtMs;
    this.#remember(committed.checkpoint);
    this.#isBroken = false;
    return committed.conflicted;
  }

  /** Records one sighting. Returns what is known of the execution now, or null where that is not kept. */
  #observe(key: string, seen: Seen, isRecent: boolean): Known | null {
    const { execution, receivedAtMs } = seen;
    const before = this.#known.get(key);
    const wasAwaited = this.#openKeys.has(key);
    const awaits = awaitedOf(execution, receivedAtMs - this.#sourceLagMs, this.#recentFromMs, this.#run.settings);
    if (before === undefined && awaits === null && !isRecent) {
      this.#observations.add(execution, receivedAtMs);
      this.#countGivenUp(execution);
      return null;
    }
    const fingerprint = fingerprintOf(execution);
    const isChanged = before?.fingerprint !== fingerprint;
    const observedAtMs = isChanged ? this.#laterThan(key, receivedAtMs) : (before?.observedAtMs ?? receivedAtMs);
    const known = { fingerprint, observedAtMs };
    if (isChanged) {
      this.#observations.add(execution, observedAtMs);
      this.#draft.seen.push({ id: execution.id, startTimeMs: execution.startTimeMs, ...known });
      this.#known.set(key, known);
    }
    if (awaits !== null && (isChanged || !wasAwaited || !isRecent)) {
      this.#draft.opened.push({ execution, observedAtMs, lookedAtMs: receivedAtMs, awaits });
      this.#openKeys.add(key);
    }
    if (awaits === null && wasAwaited) {
      this.#draft.closed.push({ key, observedAtMs });
      this.#openKeys.delete(key);
      this.#countGivenUp(execution);
    }
    return known;
  }

  /** An observation of a known execution always counts as later than the one before, whatever the clocks of two machines say. */
  #laterThan(key: string, observedAtMs: EpochMs): EpochMs {
    const before = this.#known.get(key);
    return before === undefined ? observedAtMs : Math.max(observedAtMs, before.observedAtMs + 1);
  }

  #countGivenUp(execution: Execution): void {
    if (isOpen(execution)) {
      this.totals.givenUp += 1;
    }
  }

  #quarantineOnce(row: UnreadableRow): void {
    const fingerprint = fingerprintOfUnreadable(row);
    if (!this.#quarantinedBefore.has(fingerprint)) {
      this.#quarantinedBefore.add(fingerprint);
      this.#quarantine.push(row);
    }
    this.#draft.quarantined.push(fingerprint);
  }

  #remember(checkpoint: Checkpoint): void {
    this.#known = new Map(checkpoint.recent.map((entry) => [executionKey(entry), entry]));
    this.#quarantinedBefore = new Set(checkpoint.quarantined.map((entry) => entry.fingerprint));
    this.#openKeys = new Set();
    for (const { execution, observedAtMs } of checkpoint.open) {
      const key = executionKey(execution);
      this.#openKeys.add(key);
      this.#known.set(key, { fingerprint: fingerprintOf(execution), observedAtMs });
    }
    for (const [key, known] of this.#edge) {
      this.#known.set(key, known);
    }
  }
}

function emptyDraft(): Draft {
  return { windows: [], lateStartTimesMs: [], seen: [], opened: [], closed: [], quarantined: [] };
}

function vanishedExtra(extra: string | null, vanishedAt: string): string {
  const note = `"_dqsync":${JSON.stringify({ vanished_at: vanishedAt })}`;
  if (extra === null || extra === '{}') {
    return `{${note}}`;
  }
  if (!extra.endsWith('}')) {
    throw new InternalError('extra is not a JSON object', { remedy: 'Please report this defect.' });
  }
  return `${extra.slice(0, -1)},${note}}`;
}
