/** Makes sequences of actions up, performs them, and shrinks the first that ends badly. */
import fc from 'fast-check';
import { type Action, action } from './actions.ts';
import { type ModelFigures, noModelFigures, performAll } from './modelled-world.ts';

/** How many, how long. */
export interface RoundsOptions {
  readonly seed: number;
  /** Most sequences. Default: as many as the time allows. */
  readonly sequences?: number;
  /** Default: none. Tests set none, so that they check the same on any machine. */
  readonly limitMs?: number;
  /** Most actions in a sequence. */
  readonly actions: number;
}

/** How a round ended. */
export interface RoundsResult extends ModelFigures {
  /** What to repeat, and what did not hold; null where all held. */
  readonly counterexample: string | null;
}

/** Runs sequences against the whole run. */
export async function modelRounds({ seed, sequences, limitMs, actions }: RoundsOptions): Promise<RoundsResult> {
  const figures = noModelFigures();
  const sequence = fc.array(action, { minLength: 3, maxLength: actions, size: 'max' });
  let problems: readonly string[] = [];
  const details = await fc.check(
    fc.asyncProperty(sequence, fc.nat(), async (all: Action[], worldSeed) => {
      const found = await performAll(all, worldSeed, figures);
      problems = found.length > 0 ? found : problems;
      return found.length === 0;
    }),
    {
      seed,
      numRuns: sequences ?? 1_000_000,
      ...(limitMs === undefined ? {} : { interruptAfterTimeLimit: limitMs, markInterruptAsFailure: false }),
    },
  );
  const { counterexample, counterexamplePath } = details;
  const told = {
    seed,
    path: counterexamplePath,
    problems,
    performAll: counterexample,
    thrown: String(details.errorInstance),
  };
  return { ...figures, counterexample: counterexample === null ? null : JSON.stringify(told, null, 1) };
}
