/** What must be true of a world in which nothing moves any more. */
import { watermarkOf } from '../../functions/checkpoint/coverage.ts';
import { gapsIn } from '../../functions/intervals.ts';
import { dataPrefix } from '../../functions/warehouse/layout.ts';
import { makeTraps } from '../simulator/traps.ts';
import { viewDifferences } from './auditor.ts';
import { lookbackMs, minuteMs, type ProofWorld, settleMs } from './proof-world.ts';
import { compareWithTruth } from './view-check.ts';

/** What else must be true of this world. */
export interface Expected {
  /** Keys that the view has to show, listed or not. */
  readonly mustShow?: ReadonlySet<string>;
  /** What must be covered beside the span that the incremental sync covers. */
  readonly covered?: readonly { readonly fromMs: number; readonly toMs: number }[];
}

/** Traps kind, time passes, all gaps, two syncs, and one that finds nothing new (I8). Returns what is not well then, and what was not before, as text. */
export async function endQuietly(world: ProofWorld, expected: Expected = {}): Promise<string[]> {
  const { simulator, clock, auditor } = world;
  Object.assign(simulator.traps, makeTraps());
  clock.advance(settleMs + lookbackMs + minuteMs);
  const problems: string[] = [];
  // All gaps first: a sync fails while a window waits for its next attempt. What was open, and went from where the first sync
  // reads anyway, is recorded as vanished by the second.
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
  ];
}

/** Returns in what the files that are left differ from all that were ever written. */
export async function storedViewProblems({ store, auditor }: ProofWorld): Promise<string[]> {
  const files = [...store.objects].flatMap(([key, { bytes }]) => (key.startsWith(dataPrefix) ? [bytes] : []));
  return await viewDifferences(files, auditor.view());
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
  // What started within the last minute is left to the next sync.
  const untilMs = clock.now() - settleMs;
  const lost = differences.lost.filter((key) => {
    const startTimeMs = Number(key.split('@')[1]);
    return startTimeMs >= fromMs && (startTimeMs < untilMs || mustShow.has(key));
  });
  return Object.entries({ ...differences, lost }).flatMap(([name, found]) =>
    found.length === 0 ? [] : [`${name}: ${found.length}, such as ${found.slice(0, 3)}`],
  );
}
