/** Reading alone, over any mix of misbehaviours: all that stayed while it was read is found, or the read fails. */
import fc from 'fast-check';
import { IncompleteReadError } from '../../../functions/errors.ts';
import { type ReadOutcome, readVerified } from '../../../functions/reading/verified.ts';
import {
  epochMs,
  executions,
  keysOf,
  type PagedSource,
  type PagedSourceTraps,
  pagedSource,
} from '../../support/paged-source.ts';

/** What rounds of reading came to. */
export interface ReadingResult {
  readonly reads: number;
  readonly proven: number;
  readonly rows: number;
  /** What to repeat; null where all held. */
  readonly counterexample: string | null;
}

const windowMs = 1_000_000;

const traps = fc.record({
  order: fc.constantFrom('ascending' as const, 'descending' as const, 'id' as const),
  shuffleTies: fc.boolean(),
  startInclusive: fc.boolean(),
  endInclusive: fc.boolean(),
  count: fc.constantFrom<PagedSourceTraps['count']>(
    'total',
    'total',
    'page',
    'none',
    { cappedAt: 100 },
    { cappedAt: 250 },
  ),
  pageCap: fc.constantFrom(100, 100, 50, 7),
  deepestOffset: fc.constantFrom(Number.POSITIVE_INFINITY, 350, 99),
  emptyRequests: fc.nat(12).map((n) => new Set([n])),
  glitchCount: fc.constantFrom('zero' as const, 'total' as const),
});

/** Rows as `[start time, how many]`: bursts, and single ones. */
const bursts = fc.array(
  fc.tuple(fc.nat(windowMs - 1), fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 70 }))),
  { maxLength: 60, size: 'max' },
);

/** At which requests a row leaves, and which; often none does. */
const leaving = fc.oneof(
  fc.constant<[number, number][]>([]),
  fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(9999)), { maxLength: 6 }),
);

/** Reads sources made up from `seed` until one is read wrongly, or `limitMs` is over. */
export async function readingRounds({
  seed,
  limitMs,
  reads,
}: {
  seed: number;
  limitMs: number;
  reads?: number;
}): Promise<ReadingResult> {
  const figures = { reads: 0, proven: 0, rows: 0 };
  const details = await fc.check(
    fc.asyncProperty(bursts, traps, leaving, async (rows, chosen, goings) => {
      // Without a total, rows that leave and an order that changes can hide one another for two passes: no reader can tell.
      const shuffleTies = chosen.shuffleTies && (goings.length === 0 || chosen.count === 'total');
      const source = sourceOf(rows, { ...chosen, shuffleTies }, goings);
      const before = keysOf(source.rows);
      const outcome = await read(source);
      figures.reads += 1;
      if (outcome instanceof IncompleteReadError) {
        // Who refuses deep offsets may hide more rows of one millisecond than can be reached; else all can be read once nothing moves.
        return goings.length > 0 || chosen.deepestOffset < Number.POSITIVE_INFINITY;
      }
      const found =
        outcome.kind === 'complete' ? keysOf([...outcome.collected.seen.values()].map((seen) => seen.execution)) : [];
      figures.proven += 1;
      figures.rows += found.length;
      const known = new Set(found);
      return keysOf(source.rows).every((key) => known.has(key)) && found.every((key) => before.includes(key));
    }),
    { seed, numRuns: reads ?? 1_000_000, interruptAfterTimeLimit: limitMs, markInterruptAsFailure: false },
  );
  const { counterexample, counterexamplePath: path, errorInstance } = details;
  const told =
    counterexample === null
      ? null
      : { seed, path, counterexample: fc.stringify(counterexample), thrown: String(errorInstance) };
  return { ...figures, counterexample: told === null ? null : JSON.stringify(told, null, 1) };
}

function sourceOf(
  all: readonly (readonly [number, number])[],
  chosen: Partial<PagedSourceTraps>,
  goings: readonly (readonly [number, number])[],
): PagedSource {
  const times = all.flatMap(([ms, count]) => Array.from({ length: count }, () => ms));
  const beforeRequest = (n: number, self: PagedSource): void => {
    for (const [, pick] of goings.filter(([at]) => at === n)) {
      self.rows = self.rows.filter((_, index) => index !== pick % self.rows.length);
    }
  };
  return pagedSource(
    executions(times.length, (index) => times[index] ?? 0),
    { ...chosen, beforeRequest },
  );
}

async function read(source: PagedSource): Promise<ReadOutcome | IncompleteReadError> {
  const window = { fromMs: epochMs, toMs: epochMs + windowMs };
  return await readVerified(source.reader, window, Number.POSITIVE_INFINITY).catch((thrown: unknown) => {
    if (thrown instanceof IncompleteReadError) {
      return thrown;
    }
    throw thrown;
  });
}
