/** The number of requests, compared with the ideal, for every shape of source, and for a run without new rows. */
import { sourceOf, withBench } from './children.ts';
import { type Figure, judged, told } from './figures.ts';
import type { SourceSpec } from './simulator-child.ts';

const rows = 100_000;
const idealRequests = Math.ceil(rows / 100);
const peaks = { share: 0.9, rowsPerSecond: 42, seconds: 3 };

/** A shape of source, and the most requests it may cost, as a multiple of the ideal; null if there is no limit. */
interface Shape {
  readonly name: string;
  readonly atMost: number | null;
  readonly spec: Partial<SourceSpec>;
}

const shapes: readonly Shape[] = [
  { name: 'newest first', atMost: 1.05, spec: {} },
  { name: 'newest first, peaks of 42 rows a second', atMost: 1.3, spec: { peaks } },
  { name: 'unstable within a second, the same peaks', atMost: 1.5, spec: { peaks, traps: { order: 'unstable-ties' } } },
  { name: 'oldest first', atMost: null, spec: { traps: { order: 'start-asc' } } },
  { name: 'by id, 2 % run again', atMost: 1.6, spec: { rerunShare: 0.02, traps: { order: 'id-desc' } } },
  { name: 'a row leaves at every third request', atMost: 1.6, spec: { traps: { deleteEveryNthRequest: 3 } } },
  { name: 'no order', atMost: 2.5, spec: { traps: { order: 'unstable' } } },
  { name: 'no order, the same peaks', atMost: 2.5, spec: { peaks, traps: { order: 'unstable' } } },
  { name: 'count capped at 1,000', atMost: 1.6, spec: { traps: { count: { cappedAt: 1_000 } } } },
  { name: 'count of the page only', atMost: 3.2, spec: { traps: { count: 'page' } } },
  { name: 'no count', atMost: null, spec: { traps: { count: 'missing' } } },
  { name: '250 rows in each second', atMost: null, spec: { perSecond: 250 } },
  {
    name: '250 rows in each second, unstable',
    atMost: null,
    spec: { perSecond: 250, traps: { order: 'unstable-ties' } },
  },
];

/** Measures first syncs of 100,000 rows, and a second sync without new rows. */
export async function measureRequests(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, atMost, spec } of shapes) {
    const { requests, rowsWritten } = await withBench(sourceOf(rows, spec), async (bench) => {
      const { summary } = await bench.sync();
      return { ...(await bench.measurements()), rowsWritten: summary.rowsWritten };
    });
    const ratio = requests / Math.ceil(rowsWritten / 100);
    const part = `requests for 100,000 rows, of the ideal ${idealRequests}`;
    figures.push(
      atMost === null
        ? told(part, name, ratio.toFixed(3))
        : judged(part, name, ratio, { atMost }, (value) => value.toFixed(3)),
    );
    console.error(`${name}: ${ratio.toFixed(3)} (${rowsWritten} rows)`);
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
    await bench.measurements();
    await bench.sync();
    return bench.measurements();
  });
  return judged('requests of a quiet run', shape, requests, { atMost: 3 });
}
