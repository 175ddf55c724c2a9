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

/** Measures first syncs of 100,000 rows, and a second sync of tables to which nothing was added. */
export async function measureRequests(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [shape, change] of shapes) {
    const { requests } = await withBench(sourceOf(rows, change), async (bench) => {
      await bench.sync();
      return bench.sightings();
    });
    const figure = judged(
      'requests for 100,000 rows',
      `of the ideal ${idealRequests}, ${shape}`,
      requests / idealRequests,
      { atMost: 1.03 },
      (value) => value.toFixed(3),
    );
    // The bar is for an undisturbed source; order that changes between pages is told, not judged.
    figures.push(change.traps === undefined ? figure : { ...figure, bar: '', reached: null });
  }
  figures.push(await measureQuietRun('1,000 rows a day', 1_000));
  figures.push(await measureQuietRun('1,000 rows a day, none for an hour', 1_000, 3_600_000));
  return figures;
}

async function measureQuietRun(shape: string, rowsPerDay: number, silentMs = 0): Promise<Figure> {
  const toMs = Date.now() - 60_000 - silentMs;
  const spec = sourceOf(10 * rowsPerDay, { fromMs: toMs - 10 * 86_400_000, toMs });
  const { requests } = await withBench(spec, async (bench) => {
    await bench.sync();
    await bench.sightings();
    await bench.sync();
    return bench.sightings();
  });
  return judged('requests of a quiet run', shape, requests, { atMost: 3 });
}
