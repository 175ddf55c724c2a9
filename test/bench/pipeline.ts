/**
 * The path of a row without network and disk: bytes of a reply → text → executions → verified reading → observations →
 * Arrow → bytes of a Parquet file. All of it is the product's own code, in this one process.
 */
import { type Clock, systemClock } from '../../functions/clock.ts';
import { parseConfig } from '../../functions/config.ts';
import type { Page, PageRequest } from '../../functions/model.ts';
import { SharedTexts } from '../../functions/source/shared-texts.ts';
import { parsePage } from '../../functions/source/wire.ts';
import { runTargets } from '../../functions/sync/run.ts';
import type { PutOutcome, Store } from '../../functions/warehouse/store.ts';
import { makeInstancePage } from '../simulator/instance-page.ts';
import { LifeCycle } from '../simulator/life-cycle.ts';
import { seededRandom } from '../simulator/random.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { makeTraps } from '../simulator/traps.ts';
import { sourceOf } from './children.ts';
import { type Figure, judged, median, told, wholeNumber } from './figures.ts';

const rounds = 7;

/** Measures `rounds` first syncs of pages that lie in memory, in an unthrottled process that was warmed up by one. */
export async function measurePipeline(rows: number): Promise<Figure[]> {
  const spec = sourceOf(rows);
  // Standing still: every round asks for the same pages, so that all of them are made before the first that counts.
  const clock: Clock = { now: () => spec.toMs + 3_600_000, sleep: systemClock.sleep };
  const pages = new PreparedPages(spec, clock);
  await syncOnce(pages, clock, spec.fromMs);
  const cpuMs: number[] = [];
  const wallMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedAtMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const rowsWritten = await syncOnce(pages, clock, spec.fromMs);
    const { user, system } = process.cpuUsage(cpuBefore);
    wallMs.push(performance.now() - startedAtMs);
    cpuMs.push((user + system) / 1000);
    if (rowsWritten !== rows) {
      throw new Error(`${rowsWritten} of ${rows} rows were written`);
    }
  }
  const part = 'pages to Parquet, in memory';
  const perSecond = (ms: number): number => (rows / ms) * 1000;
  return [
    judged(part, `rows/s by CPU time, median of ${rounds}`, perSecond(median(cpuMs)), { atLeast: 50_000 }),
    told(part, `rows/s by the clock, median of ${rounds}`, wholeNumber(perSecond(median(wallMs)))),
    told(part, `rows/s by the clock, slowest`, wholeNumber(perSecond(Math.max(...wallMs)))),
  ];
}

/** Replies as bytes, made when first asked for. */
class PreparedPages {
  readonly #bytes = new Map<string, Uint8Array>();
  readonly #life: LifeCycle;
  readonly #clock: Clock;
  readonly #texts = new SharedTexts();
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });

  constructor(spec: ReturnType<typeof sourceOf>, clock: Clock) {
    this.#clock = clock;
    this.#life = new LifeCycle(clock, 1, [defaultWorkspace.workspace]);
    this.#life.addMany(spec.rows, spec);
  }

  page(request: PageRequest): Page {
    const content = parsePage(this.#decoder.decode(this.#reply(request)), this.#texts);
    if (!content.isPage) {
      throw new Error(content.problem);
    }
    const { count, executions, unreadable } = content;
    return { count, executions, unreadable, receivedAtMs: this.#clock.now() };
  }

  #reply(request: PageRequest): Uint8Array {
    const { startTimeMs, endTimeMs, limit, offset } = request;
    const key = `${startTimeMs} ${endTimeMs} ${offset}`;
    const known = this.#bytes.get(key);
    if (known !== undefined) {
      return known;
    }
    const listing = this.#life.listing(defaultWorkspace.workspace);
    if (listing === undefined) {
      throw new Error('the workspace is missing');
    }
    const query = {
      name: null,
      taskType: null,
      runStatus: null,
      notifyStatus: null,
      startTimeMs,
      endTimeMs,
      limit,
      offset,
    };
    const made = makeInstancePage(listing, query, makeTraps(), this.#clock.now(), seededRandom(1));
    const bytes = new TextEncoder().encode('text' in made ? made.text : made.refusal);
    this.#bytes.set(key, bytes);
    return bytes;
  }
}

async function syncOnce(pages: PreparedPages, clock: Clock, fromMs: number): Promise<number> {
  const config = parseConfig(
    {
      source: { endpoint: 'http://127.0.0.1:1', quota: { requests: 1_000_000, perSeconds: 1 } },
      targets: [{ name: 'bench', ...defaultWorkspace, credentials: 'env:NONE' }],
      initialFrom: new Date(fromMs).toISOString(),
    },
    'the bench',
  );
  const stats = { requests: 0, throttled: 0, retries: 0, clockSkewMs: 0, latencyMs: 0, failing: null };
  const [summary] = await runTargets({
    config,
    store: forgetfulStore(),
    connect: () => ({
      fetchPage: async (request) => pages.page(request),
      stats: () => stats,
      close: async () => undefined,
    }),
    clock,
    limitMs: Number.POSITIVE_INFINITY,
    stop: new AbortController().signal,
    log: () => undefined,
    onProgress: () => undefined,
  });
  if (summary?.error !== undefined) {
    throw new Error(summary.error.message);
  }
  return summary?.rowsWritten ?? 0;
}

/** Keeps nothing: what is written has been measured by then. */
function forgetfulStore(): Store {
  const won: PutOutcome = { kind: 'won', etag: 'etag' };
  return {
    url: 'file:nowhere',
    get: async () => null,
    putIfAbsent: async () => won,
    putIfMatch: async () => won,
    async *list() {
      // Nothing was kept.
    },
  };
}
