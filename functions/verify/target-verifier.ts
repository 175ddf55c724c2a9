/** Verifies one target: its source, its table, its days, and the repair of days that differ. */
import { identityOf, loadCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { watermarkOf } from '../checkpoint/coverage.ts';
import type { Clock } from '../clock.ts';
import type { Config, TargetConfig } from '../config.ts';
import type { DqsyncError } from '../errors.ts';
import type { EpochMs, Log, Target, Window } from '../model.ts';
import type { Source } from '../source/client.ts';
import { runTargets } from '../sync/run.ts';
import type { Progress } from '../sync/target-run.ts';
import { settingsOf, targetOf } from '../sync/targets.ts';
import type { Store } from '../warehouse/store.ts';
import { type DayResult, isFine, isRepairable, type TableView, verifyDays } from './audit.ts';
import { type Day, daysIn } from './verification.ts';

/** A view that must be closed. */
export interface OpenTableView extends TableView {
  close(): Promise<void>;
}

/** A span that was read again for repair. */
export interface Repair extends Window {
  readonly rowsWritten: number;
}

/** A target with the results of its days. */
export interface VerifiedTarget {
  readonly target: string;
  readonly window: Window;
  readonly timeZone: string;
  /** The final results; if `error` is set, those of the days verified before it. */
  readonly days: readonly DayResult[];
  readonly watermarkMs: EpochMs | null;
  readonly requests: number;
  readonly repairs: readonly Repair[];
  /** The error that stopped the verification; null if it finished. */
  readonly error: DqsyncError | null;
}

/** The arguments of a verification. */
export interface VerifierOptions {
  readonly config: Config;
  readonly target: TargetConfig;
  readonly connections: {
    readonly clock: Clock;
    readonly store: Store;
    connectYielding(target: TargetConfig, signal: AbortSignal): Source;
  };
  /** Opens the current view of a target. */
  readonly openTable: (target: Target) => Promise<OpenTableView>;
  readonly stop: AbortSignal;
  readonly log: Log;
  readonly onProgress: (progress: Progress) => void;
  readonly window: Window;
  readonly isDeep: boolean;
}

/** An interrupted re-read resumes where it stopped, so one round may not cover everything. */
const repairRounds = 2;

/** Verifies one target. */
export class TargetVerifier {
  readonly #options: VerifierOptions;
  readonly #source: Source;
  readonly #nowMs: EpochMs;
  /** Results by the start of their day, in order of time. */
  readonly #days = new Map<EpochMs, DayResult>();
  #watermarkMs: EpochMs | null = null;
  readonly #repairs: Repair[] = [];
  #repairRequests = 0;
  #repairError: DqsyncError | null = null;

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#source = options.connections.connectYielding(options.target, options.stop);
    this.#nowMs = options.connections.clock.now();
  }

  /**
   * Verifies all days.
   *
   * @throws what reading the source, the checkpoint or the table throws
   */
  async verify(): Promise<void> {
    const { window, config } = this.#options;
    await this.#verify(daysIn(window, config.partitionTimeZone), '');
  }

  /** Reads days again if that may help, then verifies them again, even if some of the reads failed. */
  async repair(): Promise<void> {
    for (let round = 1; round <= repairRounds; round += 1) {
      const wrong = [...this.#days.values()].filter(isRepairable);
      this.#repairError = wrong.length === 0 ? this.#repairError : null;
      for (const window of joined(wrong)) {
        await this.#readAgain(window);
      }
      if (wrong.length > 0) {
        await this.#verify(wrong, ' again');
      }
    }
  }

  /**
   * Returns the results so far.
   *
   * @param error the error that stopped the verification
   */
  result(error: DqsyncError | null): VerifiedTarget {
    return {
      target: this.#options.target.name,
      window: this.#options.window,
      timeZone: this.#options.config.partitionTimeZone,
      days: [...this.#days.values()],
      watermarkMs: this.#watermarkMs,
      requests: this.#source.stats().requests + this.#repairRequests,
      repairs: this.#repairs,
      error: error ?? this.#repairError,
    };
  }

  /** Closes the source. */
  async close(): Promise<void> {
    await this.#source.close();
  }

  /**
   * Verifies days. Reads the checkpoint first: rows that a concurrent sync writes are then in the table, but open or
   * young by the checkpoint.
   */
  async #verify(days: readonly Day[], label: string): Promise<void> {
    const { config, target: targetConfig, connections, openTable, isDeep, onProgress } = this.#options;
    const settings = settingsOf(config);
    const target = targetOf(targetConfig);
    const { checkpoint } = await loadCheckpoint(connections.store, target.name, identityOf({ target, settings }));
    this.#watermarkMs = watermarkOf(checkpoint);
    const table = await openTable(target);
    try {
      const run = { target, settings, source: this.#source, onProgress: labelled(onProgress, label) };
      const verification = { days, isDeep, checkpoint, nowMs: this.#nowMs, table };
      await verifyDays(run, verification, (day) => this.#days.set(day.fromMs, day));
    } finally {
      await table.close();
    }
  }

  async #readAgain(window: Window): Promise<void> {
    const { config, target, connections, stop, log, onProgress } = this.#options;
    const { clock, store, connectYielding } = connections;
    const [summary] = await runTargets({
      results: 'note',
      config,
      targets: [target.name],
      backfill: { window, again: true },
      store,
      connect: connectYielding,
      clock,
      limitMs: Number.POSITIVE_INFINITY,
      stop,
      log,
      onProgress: labelled(onProgress, ' repair'),
      onTargetDone: ({ error }) => {
        this.#repairError = error ?? this.#repairError;
      },
    });
    this.#repairRequests += summary?.requests ?? 0;
    this.#repairs.push({ ...window, rowsWritten: summary?.rowsWritten ?? 0 });
    stop.throwIfAborted();
  }
}

/** Returns whether the table holds every day that was verified. */
export function isAllFine({ days, error }: VerifiedTarget): boolean {
  return error === null && days.every(isFine);
}

/** Joins adjacent days to windows. */
function joined(days: readonly Window[]): Window[] {
  const windows: Window[] = [];
  for (const { fromMs, toMs } of days) {
    const last = windows.at(-1);
    if (last?.toMs === fromMs) {
      windows[windows.length - 1] = { fromMs: last.fromMs, toMs };
    } else {
      windows.push({ fromMs, toMs });
    }
  }
  return windows;
}

/** Gives each part of the work its own progress bar. */
function labelled(onProgress: VerifierOptions['onProgress'], label: string): VerifierOptions['onProgress'] {
  return (progress) => onProgress({ ...progress, target: `${progress.target}${label}` });
}
