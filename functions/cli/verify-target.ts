/** One target under verification: its source, its table, its days, and the reading again of those that differ. */

import { identityOf, loadCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { watermarkOf } from '../checkpoint/coverage.ts';
import type { Config, TargetConfig } from '../config.ts';
import type { Connections } from '../connect.ts';
import type { DqsyncError } from '../errors.ts';
import type { EpochMs, Log, Window } from '../model.ts';
import type { Source } from '../source/client.ts';
import { type Day, daysIn } from '../sync/plan/verification.ts';
import { runTargets } from '../sync/run.ts';
import type { Progress } from '../sync/target-run.ts';
import { settingsOf, targetOf } from '../sync/targets.ts';
import { type DayResult, isFine, verifyDays } from '../sync/verify.ts';
import type { Repair, VerifiedTarget } from './verify-report.ts';
import { tableViewOf } from './verify-table.ts';
import { openSql } from './warehouse-sql.ts';

/** What to verify, and with what. */
export interface VerifierOptions {
  readonly config: Config;
  readonly target: TargetConfig;
  readonly connections: Connections;
  readonly stop: AbortSignal;
  readonly log: Log;
  readonly onProgress: (progress: Progress) => void;
  readonly window: Window;
  readonly isDeep: boolean;
}

/** A reading again that was stopped long ago goes on where it was, so one round may not be enough. */
const repairRounds = 2;

/** Verifies one target. */
export class TargetVerifier {
  readonly #options: VerifierOptions;
  readonly #source: Source;
  readonly #nowMs: EpochMs;
  /** By their beginnings, in order of time. */
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

  /** Verifies all days. Throws what reading source, checkpoint and table throws. */
  async verify(): Promise<void> {
    const { window, config } = this.#options;
    await this.#verify(daysIn(window, config.partitionTimeZone), '');
  }

  /** Reads those days again that are not fine, and verifies them again, also where some of it fails. */
  async repair(): Promise<void> {
    for (let round = 1; round <= repairRounds; round += 1) {
      const wrong = [...this.#days.values()].filter((day) => !isFine(day));
      this.#repairError = wrong.length === 0 ? this.#repairError : null;
      for (const window of joined(wrong)) {
        await this.#readAgain(window);
      }
      if (wrong.length > 0) {
        await this.#verify(wrong, ' again');
      }
    }
  }

  /** What has come of it so far. @param error what ended it */
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

  /** Frees what is open. */
  async close(): Promise<void> {
    await this.#source.close();
  }

  /** The checkpoint is read first: what a sync writes meanwhile is in the table then, but still open or young by the checkpoint. */
  async #verify(days: readonly Day[], label: string): Promise<void> {
    const { config, target: targetConfig, connections, isDeep, onProgress } = this.#options;
    const settings = settingsOf(config);
    const target = targetOf(targetConfig);
    const { checkpoint } = await loadCheckpoint(connections.store, target.name, identityOf({ target, settings }));
    this.#watermarkMs = watermarkOf(checkpoint);
    const sql = await openSql(connections.store);
    try {
      const run = { target, settings, source: this.#source, onProgress: labelled(onProgress, label) };
      const table = tableViewOf(sql, target, config.partitionTimeZone);
      const verification = { days, isDeep, checkpoint, nowMs: this.#nowMs, table };
      await verifyDays(run, verification, (day) => this.#days.set(day.fromMs, day));
    } finally {
      await sql.close();
    }
  }

  async #readAgain(window: Window): Promise<void> {
    const { config, target, connections, stop, log, onProgress } = this.#options;
    const { clock, store, connectYielding } = connections;
    const [summary] = await runTargets({
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

/** Days that follow on each other as one window. */
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

/** A bar of its own for each part of the work. */
function labelled(onProgress: VerifierOptions['onProgress'], label: string): VerifierOptions['onProgress'] {
  return (progress) => onProgress({ ...progress, target: `${progress.target}${label}` });
}
