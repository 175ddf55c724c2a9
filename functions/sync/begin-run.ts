/** Begins a run that reads the source and commits: an incremental one or a backfill. */
import { loadToWrite } from '../checkpoint/checkpoint-store.ts';
import type { EpochMs, Window } from '../model.ts';
import type { PageSource } from '../reading/page-source.ts';
import { Committer, type CommitterOptions } from './committer.ts';
import { OutcomeWatch } from './outcomes/outcome-watch.ts';
import type { Recorder } from './recorder.ts';
import type { RunState } from './run-state.ts';
import { type Calibration, calibrateRead, countingSource } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';
import { UnprovenWindows } from './unproven.ts';
import { requireWindows } from './window-check.ts';

/** The parts of a run in progress. */
export interface ReadingRun {
  readonly run: TargetRun;
  readonly state: RunState;
  readonly source: PageSource;
  readonly recorder: Recorder;
  readonly committer: Committer;
  readonly unproven: UnprovenWindows;
  /** Null if changes of outcomes are not announced. */
  readonly watch: OutcomeWatch | null;
  /** Now less the settle time, when the run began. */
  readonly untilMs: EpochMs;
}

/** Loads the checkpoint, and makes what the run reads and commits with. @throws StateError, StorageError */
export async function beginRun(
  run: TargetRun,
  state: RunState,
  options: Pick<CommitterOptions, 'mode' | 'isIncremental' | 'rereads'>,
): Promise<ReadingRun> {
  const loaded = await loadToWrite(run);
  const untilMs = run.clock.now() - run.settings.settleMs;
  const watch = options.isIncremental ? await OutcomeWatch.open(run) : null;
  const source = countingSource(run, state, loaded.checkpoint);
  const { counters } = state;
  const committer = new Committer(run, loaded, {
    ...options,
    ...{ counters, untilMs, watch, hints: source.profile.hints },
  });
  const { recorder } = committer;
  state.holder = recorder;
  return { run, state, source, recorder, committer, unproven: new UnprovenWindows(run), watch, untilMs };
}

/**
 * Makes the first request of a run, as `calibrateRead` does. For a target without coverage, also checks how the source
 * selects.
 *
 * @throws SourceError if it ignores windows, or a cut between two would lose executions; what the source throws
 */
export async function firstRequest({ run, source, recorder }: ReadingRun, window: Window): Promise<Calibration> {
  const calibration = await calibrateRead(source, window);
  const { reply } = calibration;
  const [failed] = calibration.unproven;
  if (recorder.checkpoint.coverage.length === 0) {
    if (failed !== undefined && reply.rows === 0) {
      // How the source selects cannot be checked without an execution.
      throw failed.cause ?? failed;
    }
    await requireWindows(source, reply.page.executions, run.clock.now());
  }
  return calibration;
}
