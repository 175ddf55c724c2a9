/** Peak memory, end-to-end pace and size of a sync in its own process, with an unthrottled source on loopback. */
import { type SyncReport, sourceOf, withBench } from './children.ts';
import { type Figure, judged, megabytes, told, wholeNumber } from './figures.ts';

/** Measures one first sync for each number of rows. */
export async function measureMemory(rowCounts: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const rows of rowCounts) {
    figures.push(...(await withBench(sourceOf(rows), async (bench) => figuresOf(rows, await bench.sync()))));
  }
  return figures;
}

function figuresOf(rows: number, report: SyncReport): Figure[] {
  const part = `sync of ${wholeNumber(rows)} rows`;
  const { rowsWritten, bytes } = report.summary;
  if (rowsWritten !== rows) {
    throw new Error(`${rowsWritten} of ${rows} rows were written`);
  }
  return [
    judged(part, 'peak memory (RSS)', report.maxRssBytes, { atMost: 256e6 }, megabytes),
    told(part, 'rows/s, start, HTTP and disk included, by CPU time', wholeNumber((rows / report.cpuMs) * 1000)),
    told(part, 'rows/s, start, HTTP and disk included, by the clock', wholeNumber((rows / report.wallMs) * 1000)),
    told(part, 'bytes per row', (bytes / rows).toFixed(1)),
  ];
}
