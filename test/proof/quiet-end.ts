/** Brings a world to an end without traps, and checks its final state. */
import { watermarkOf } from '../../functions/checkpoint/coverage.ts';
import { gapsIn } from '../../functions/intervals.ts';
import type { ResultsWanted } from '../../functions/sync/results/backlog.ts';
import { tableName, taskTableName } from '../../functions/warehouse/layout.ts';
import { resultTable } from '../../functions/warehouse/result-table.ts';
import { makeTraps } from '../simulator/traps.ts';
import { taskProblems } from '../support/task-problems.ts';
import { compareWithTruth } from '../support/view-check.ts';
import { viewDifferences } from './auditor.ts';
import { dayMs, hourMs, lookbackMs, minuteMs, type ProofWorld, settleMs } from './proof-world.ts';
import { resultProblems } from './results-check.ts';

/** Further expectations of a world's final state. */
export interface Expected {
  /** Keys that the view must show even if the source does not list them. */
  readonly mustShow?: ReadonlySet<string>;
  /** Windows that must be covered besides the span of the incremental sync. */
  readonly covered?: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** Whose rule results the world's runs fetch. Default: nobody's. */
  readonly results?: ResultsWanted;
  /** Whether the last run observes the tasks, so that the table must show them. */
  readonly tasks?: boolean;
}

/**
 * Removes all traps, lets time pass, backfills all gaps, and syncs three times; the last sync must find nothing new
 * (I8). Returns violations, including those found earlier by the auditor, as text.
 */
export async function endQuietly(world: ProofWorld, expected: Expected = {}): Promise<string[]> {
  const { simulator, clock, auditor } = world;
  Object.assign(simulator.traps, makeTraps());
  // A window that could not be read again is tried again within a day.
  const isWaiting = (auditor.checkpoint?.unproven ?? []).length > 0;
  clock.advance(settleMs + lookbackMs + minuteMs + (isWaiting ? dayMs : 0));
  const problems: string[] = [];
  // The backfill is first, because a sync fails while a window waits for its next attempt. Two syncs are needed,
  // because the second one records open executions as vanished that left the span of the first.
  const firstMs = auditor.checkpoint?.coverage[0]?.fromMs ?? world.initialFromMs;
  const everything = { fromMs: Math.min(firstMs, world.initialFromMs), toMs: clock.now() };
  for (const backfill of [{ window: everything, again: false } as const, undefined, undefined]) {
    const summary = await world.run({ backfill });
    if (!summary.done) {
      problems.push(`the last ${summary.mode} run failed: ${JSON.stringify(summary.error)}`);
    }
  }
  const { rowsWritten } = await world.run();
  if (rowsWritten > 0) {
    problems.push(`I8: ${rowsWritten} rows were written although nothing has changed`);
  }
  problems.push(...(await storedViewProblems(world)));
  const fromMs = Math.min(auditor.checkpoint?.coverage[0]?.fromMs ?? 0, world.initialFromMs);
  const asked = [{ fromMs, toMs: clock.now() - settleMs }, ...(expected.covered ?? [])];
  return [
    ...auditor.problems,
    ...problems,
    ...coverageProblems(world, asked),
    ...viewProblems(world, fromMs, expected.mustShow ?? new Set()),
    ...(await storedResultProblems(world, expected.results ?? 'none')),
    ...(expected.tasks ? await storedTaskProblems(world) : []),
  ];
}

async function storedTaskProblems(world: ProofWorld): Promise<string[]> {
  world.clock.advance(minuteMs);
  await world.run({ tasks: true });
  return await taskProblems(filesOf(world.store, `${taskTableName}/`), world.simulator);
}

/** Results that were not ready are requested again within a day; then all are in the table. */
async function storedResultProblems(world: ProofWorld, wanted: ResultsWanted): Promise<string[]> {
  if (wanted === 'none') {
    return [];
  }
  const { store, auditor, simulator, clock } = world;
  clock.advance(dayMs + hourMs);
  const { done, error } = await world.run();
  // A run that was killed may have left rows outside of what is covered, and nobody reads those again.
  const fromMs = auditor.checkpoint?.coverage[0]?.fromMs ?? 0;
  const keys = new Set(auditor.view().flatMap(({ key, startTimeMs }) => (startTimeMs < fromMs ? [] : [key])));
  return [
    ...(done ? [] : [`the run that fetches the last results failed: ${JSON.stringify(error)}`]),
    ...(await resultProblems(filesOf(store, `${resultTable.name}/`), simulator, wanted, (key) => keys.has(key))),
  ];
}

function filesOf({ objects }: ProofWorld['store'], prefix: string): Uint8Array[] {
  return [...objects].flatMap(([key, { bytes }]) => (key.startsWith(prefix) ? [bytes] : []));
}

/** Returns, as text, how the view of the remaining files differs from the view of all files ever written. */
export async function storedViewProblems({ store, auditor }: ProofWorld): Promise<string[]> {
  return await viewDifferences(filesOf(store, tableName), auditor.view());
}

function coverageProblems(
  { auditor, clock }: ProofWorld,
  asked: readonly { readonly fromMs: number; readonly toMs: number }[],
): string[] {
  const { checkpoint } = auditor;
  if (checkpoint === null) {
    return ['there is no checkpoint'];
  }
  const watermarkMs = watermarkOf(checkpoint);
  const gaps = asked.flatMap((window) => gapsIn(window, checkpoint.coverage));
  return [
    ...(watermarkMs === clock.now() - settleMs ? [] : [`the watermark is ${watermarkMs}, now is ${clock.now()}`]),
    ...(gaps.length === 0 ? [] : [`coverage has gaps: ${JSON.stringify(gaps)}`]),
  ];
}

function viewProblems(world: ProofWorld, fromMs: number, mustShow: ReadonlySet<string>): string[] {
  const { simulator, auditor, clock } = world;
  const differences = compareWithTruth(simulator, auditor.view(), mustShow);
  // Executions within the settle time are left to the next sync.
  const untilMs = clock.now() - settleMs;
  const lost = differences.lost.filter((key) => {
    const startTimeMs = Number(key.split('@')[1]);
    return startTimeMs >= fromMs && (startTimeMs < untilMs || mustShow.has(key));
  });
  return Object.entries({ ...differences, lost }).flatMap(([name, found]) =>
    found.length === 0 ? [] : [`${name}: ${found.length}, such as ${found.slice(0, 3)}`],
  );
}
