/** Verifies one target: its source, its table, its days, and the repair of days that differ. */
import { loadCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { watermarkOf } from '../checkpoint/coverage.ts';
import type { Clock } from '../clock.ts';
import type { Config, TargetConfig } from '../config.ts';
import { type DqsyncError, toDqsyncError } from '../errors.ts';
import { unionOf } from '../intervals.ts';
import type { EpochMs, Log, Target, Window } from '../model.ts';
import type { Source } from '../source/client.ts';
import { runTargets } from '../sync/run.ts';
import type { Progress } from '../sync/target-run.ts';
import { settingsOf, targetOf } from '../sync/targets.ts';
import type { Store } from '../warehouse/store.ts';
import { type Day, type Duplicates, daysIn } from './verification.ts';
import { type DayResult, isFine, isRepairable, type TableView, verifyDays } from './verify-days.ts';

/** A view that must be closed. */
export interface OpenTableView extends TableView {
  /** Finds executions of the target's workspace that start in `window` and are in the view more than once. */
  duplicates(window: Window): Promise<Duplicates>;
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
  /** The results, before the repair, of the days that were read again. */
  readonly beforeRepair: readonly DayResult[];
  readonly repairs: readonly Repair[];
  /** What the view shows more than once; null if that was not checked. */
  readonly duplicates: Duplicates | null;
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
  /** Whether to compare every row of every day, and to look for duplicates. */
  readonly isDeep: boolean;
  /** Whether to read differing days again. */
  readonly isRepairing: boolean;
}

/** An interrupted re-read resumes where it stopped, so one round may not cover everything. */
const repairRounds = 2;

/** A verification in progress. */
interface Verifying extends VerifierOptions {
  readonly source: Source;
  readonly nowMs: EpochMs;
  /** Results by the start of their day, in order of time. */
  readonly results: Map<EpochMs, DayResult>;
  readonly repairs: Repair[];
  beforeRepair: readonly DayResult[];
  watermarkMs: EpochMs | null;
  repairRequests: number;
  repairError: DqsyncError | null;
  duplicates: Duplicates | null;
}

/** Verifies one target. An error that stops it is in the result. */
export async function verifyTarget(options: VerifierOptions): Promise<VerifiedTarget> {
  const { config, target, connections, stop, window } = options;
  const source = connections.connectYielding(target, stop);
  const verifying: Verifying = {
    ...{ ...options, source, nowMs: connections.clock.now(), results: new Map(), repairs: [], beforeRepair: [] },
    ...{ watermarkMs: null, repairRequests: 0, repairError: null, duplicates: null },
  };
  let error: DqsyncError | null = null;
  try {
    await verifyAll(verifying, daysIn(window, config.partitionTimeZone), '');
    if (options.isRepairing) {
      await repair(verifying);
    }
  } catch (thrown) {
    error = toDqsyncError(thrown, target.name);
  }
  const { requests } = source.stats();
  await source.close();
  return {
    target: target.name,
    window,
    timeZone: config.partitionTimeZone,
    days: [...verifying.results.values()],
    watermarkMs: verifying.watermarkMs,
    requests: requests + verifying.repairRequests,
    beforeRepair: verifying.beforeRepair,
    repairs: verifying.repairs,
    duplicates: verifying.duplicates,
    error: error ?? verifying.repairError,
  };
}

/** Reads days again if that may help, then verifies them again, even if some of the reads failed. */
async function repair(verifying: Verifying): Promise<void> {
  for (let round = 1; round <= repairRounds; round += 1) {
    const wrong = [...verifying.results.values()].filter(isRepairable);
    verifying.beforeRepair = round === 1 ? wrong : verifying.beforeRepair;
    verifying.repairError = wrong.length === 0 ? verifying.repairError : null;
    for (const window of unionOf(wrong)) {
      await readAgain(verifying, window);
    }
    if (wrong.length > 0) {
      await verifyAll(verifying, wrong, ' again');
    }
  }
}

/**
 * Verifies days. Reads the checkpoint first: rows that a concurrent sync writes are then in the table, but open or young
 * by the checkpoint.
 */
async function verifyAll(verifying: Verifying, days: readonly Day[], label: string): Promise<void> {
  const { config, target: targetConfig, connections, openTable, isDeep, log, onProgress, source, nowMs } = verifying;
  const { window } = verifying;
  const settings = settingsOf(config);
  const target = targetOf(targetConfig);
  const { checkpoint } = await loadCheckpoint({ store: connections.store, target, settings });
  verifying.watermarkMs = watermarkOf(checkpoint);
  const table = await openTable(target);
  try {
    const run = { target, settings, source, log, onProgress: labelled(onProgress, label) };
    const verification = { days, isDeep, checkpoint, nowMs, table };
    await verifyDays(run, verification, (day) => verifying.results.set(day.fromMs, day));
    verifying.duplicates = isDeep ? await table.duplicates(window) : null;
  } finally {
    await table.close();
  }
}

async function readAgain(verifying: Verifying, window: Window): Promise<void> {
  const { config, target, connections, stop, log, onProgress } = verifying;
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
      verifying.repairError = error ?? verifying.repairError;
    },
  });
  verifying.repairRequests += summary?.requests ?? 0;
  verifying.repairs.push({ ...window, rowsWritten: summary?.rowsWritten ?? 0 });
  stop.throwIfAborted();
}

/** Returns whether the table holds every day that was verified, and no execution more than once. */
export function isAllFine({ days, duplicates, error }: VerifiedTarget): boolean {
  return error === null && days.every(isFine) && (duplicates?.executions ?? 0) === 0;
}

/** Gives each part of the work its own progress bar. */
function labelled(onProgress: VerifierOptions['onProgress'], label: string): VerifierOptions['onProgress'] {
  return (progress) => onProgress({ ...progress, target: `${progress.target}${label}` });
}
