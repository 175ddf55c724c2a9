/** Requests against the ideal, and what a run costs that finds nothing new. */
import { sourceOf, withBench } from './children.ts';
import { type Figure, judged } from './figures.ts';
import type { SourceSpec } from './simulator-child.ts';

const rows = 100_000;
const idealRequests = Math.ceil(rows / 100);

const shapes: readonly (readonly [string, Partial<SourceSpec>])[] = [
  ['spread evenly', {}],
  ['250 in each millisecond', { perMillisecond: 250 }],
  ['250 in each millisecond, in no stable order', { perMillisecond: 250, traps: { order: 'unstable-ties' } }],
];

/** Measures first syncs of 100,000 rows, and a second one after each. */
export async function measureRequests(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [shape, change] of shapes) {
    const [first, quiet] = await withBench(sourceOf(rows, change), async (bench) => {
      await bench.sync();
      const firstSightings = await bench.sightings();
      await bench.sync();
      return [firstSightings, await bench.sightings()] as const;
    });
    const isHard = change.traps !== undefined;
    const share = judged(
      'requests for 100,000 rows',
      `of the ideal ${idealRequests}, ${shape}`,
      first.requests / idealRequests,
      { atMost: 1.03 },
      (value) => value.toFixed(3),
    );
    // The bar is for an undisturbed source; order that changes between pages is told, not judged.
    figures.push(isHard ? { ...share, bar: '', reached: null } : share);
    figures.push(judged('requests of a quiet run', shape, quiet.requests, { atMost: 3 }));
  }
  return figures;
}
