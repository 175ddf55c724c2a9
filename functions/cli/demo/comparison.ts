/** Compares the demo's table with the truth: every execution once, in its latest state, and nothing else. Pure. */
import type { EpochMs } from '../../model.ts';

/** An execution, from the table or from the truth. */
export interface ComparedExecution {
  readonly key: string;
  readonly startTimeMs: EpochMs;
  /** The part that changes over its life; null if the truth does not know it, because it left the source. */
  readonly state: string | null;
}

/** Returns the part of an execution that changes over its life, as text. */
export function stateText(runStatus: unknown, notifyStatus: unknown, endTimeMs: EpochMs | null): string {
  return [runStatus, notifyStatus, endTimeMs].join(' ');
}

/** The counts of a comparison. */
export type Comparison = ReturnType<typeof compareWithTruth>;

/** Compares executions that start before `untilMs`. Later ones need not be in the table yet. */
export function compareWithTruth(
  table: readonly ComparedExecution[],
  truth: readonly ComparedExecution[],
  untilMs: EpochMs,
) {
  const expected = new Map(
    truth.filter(({ startTimeMs }) => startTimeMs < untilMs).map((each) => [each.key, each.state]),
  );
  const found = new Set<string>();
  let repeated = 0;
  let outdated = 0;
  let foreign = 0;
  for (const { key, state } of table.filter(({ startTimeMs }) => startTimeMs < untilMs)) {
    const trueState = expected.get(key);
    repeated += found.has(key) ? 1 : 0;
    foreign += trueState === undefined ? 1 : 0;
    outdated += trueState !== undefined && trueState !== null && trueState !== state ? 1 : 0;
    found.add(key);
  }
  const missing = [...expected.keys()].filter((key) => !found.has(key)).length;
  return { expected: expected.size, missing, repeated, outdated, foreign };
}

/** Returns whether the table is a perfect copy. */
export function isPerfect({ missing, repeated, outdated, foreign }: Comparison): boolean {
  return missing + repeated + outdated + foreign === 0;
}
