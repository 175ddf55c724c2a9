/** Generates sequences of actions, performs them, and shrinks the first one that fails. */
import fc from 'fast-check';
import { type Action, action } from './actions.ts';
import { type ModelFigures, noModelFigures, performAll } from './modelled-world.ts';

/** The number and length of sequences. */
export interface RoundsOptions {
  readonly seed: number;
  /** Upper limit of sequences. Default: as many as the time allows. */
  readonly sequences?: number;
  /** Default: none. Tests set none, so that they check the same sequences on any machine. */
  readonly limitMs?: number;
  /** Upper limit of actions in a sequence. */
  readonly actions: number;
}

/** Figures of all sequences, and the result. */
export interface RoundsResult extends ModelFigures {
  /** The failing sequence with its seed and violations, as JSON; null if there is none. */
  readonly counterexample: string | null;
}

/** Performs random sequences of actions in modelled worlds. */
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
  const failing = {
    seed,
    path: counterexamplePath,
    problems,
    performAll: counterexample,
    thrown: String(details.errorInstance),
  };
  return { ...figures, counterexample: counterexample === null ? null : JSON.stringify(failing, null, 1) };
}
