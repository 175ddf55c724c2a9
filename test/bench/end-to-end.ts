/** Compares `dqsync sync` with a bare fetch and parse of the same pages over one connection. */
import { sourceOf, withBench } from './children.ts';
import { type Figure, judged, median, megabytes, told } from './figures.ts';

const rows = 100_000;
const rounds = 5;

/** Measures first syncs of 100,000 rows, including process start, HTTP, proof, Parquet and disk. */
export async function measureEndToEnd(): Promise<Figure[]> {
  return await withBench(sourceOf(rows), async (bench) => {
    // The first start after a change compiles TypeScript.
    await bench.sync();
    const syncs: { wallMs: number; cpuMs: number; maxRssBytes: number }[] = [];
    const bareMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await bench.forget();
      const report = await bench.sync();
      const bare = await bench.bareFetch();
      if (report.summary.rowsWritten !== rows || bare.rows !== rows) {
        throw new Error(`${report.summary.rowsWritten} and ${bare.rows} of ${rows} rows came`);
      }
      syncs.push(report);
      bareMs.push(bare.wallMs);
    }
    const wallMs = median(syncs.map((report) => report.wallMs));
    const part = `first sync of 100,000 rows, medians of ${rounds}`;
    return [
      told(part, 'dqsync sync', seconds(wallMs)),
      told(part, 'bare fetch and parse, one connection', seconds(median(bareMs))),
      judged(part, 'dqsync by the bare fetch', wallMs / median(bareMs), { atMost: 1.5 }, (value) => value.toFixed(2)),
      told(part, 'CPU of dqsync, all threads', seconds(median(syncs.map((report) => report.cpuMs)))),
      judged(
        part,
        'peak memory (RSS)',
        Math.max(...syncs.map((report) => report.maxRssBytes)),
        { atMost: 256e6 },
        megabytes,
      ),
    ];
  });
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
