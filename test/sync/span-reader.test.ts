/** Reads of a span or of a window in one go, from a source whose later replies show that earlier ones were misjudged. */
import { expect, it } from 'vitest';
import { IncompleteReadError } from '../../functions/errors.ts';
import type { Page } from '../../functions/model.ts';
import { readFirst } from '../../functions/reading/read-window.ts';
import { executionsIn, readSpan } from '../../functions/sync/span-reader.ts';
import { readWhole } from '../../functions/sync/target-reader.ts';
import {
  epochMs,
  executions,
  keysOf,
  longSpan,
  type PagedSource,
  type PagedSourceTraps,
  pagedSource,
} from '../support/paged-source.ts';

const calls = { requests: 0, throttled: 0, retries: 0, clockSkewMs: null, latencyMs: null, failing: null };
const clock = { now: () => epochMs + 86_400_000, sleep: async () => undefined };

/** Returns the parts of a run that reads need. */
function runOf({ fetchPage }: PagedSource) {
  const settings = {
    ...{ initialFromMs: 0, settleMs: 0, lookbackMs: 0, maxOpenMs: 3_600_000, auditMs: 30 * 86_400_000 },
    ...{ partitionTimeZone: 'UTC', keepsTasks: true, requestsPerSecond: 4, maxInFlight: 40 },
  };
  const tasks = {
    listTasks: async () => ({ count: 0, rows: 0, tasks: [] }),
    fetchTask: async () => null,
    fetchResults: async () => null,
  };
  return { settings, clock, source: { fetchPage, tasks, stats: () => ({ ...calls, quotaOpensAtMs: 0 }) } };
}

const short = (page: Page, rows: number, count: number): Page => ({
  ...page,
  executions: page.executions.slice(0, rows),
  count,
});

/** Reads a span in slices of three seconds. Its rows are in the first three seconds, and in the last six of 26. */
async function readInSlices(distort: PagedSourceTraps['distort']): Promise<number> {
  const rows = executions(26).filter((_, index) => index < 3 || index >= 20);
  const paged = pagedSource(rows, { count: 'page', pageCap: 6, distort });
  const source = { ...paged.source, inFlight: () => 1 };
  await readFirst(source, longSpan);
  const span = { fromMs: epochMs - 500, toMs: epochMs + 25_500, rows: 867 };
  let shown = 0;
  const { now } = clock;
  await readSpan({ run: runOf(paged), source, span, rowsInTimeLeft: () => 0, now }, (slice) => {
    shown += executionsIn(slice).length;
  });
  return shown;
}

it('a read of a span fails if a page shows that pages are longer than they seemed when a slice was proven', async () => {
  // The first reply is short and has the count of a longer page. Then the count of a short reply seems to be a total.
  const read = readInSlices((page, n) => (n === 1 ? short(page, 3, 6) : n === 2 ? short(page, 2, 2) : page));
  await expect(read).rejects.toThrow(IncompleteReadError);
  expect(await readInSlices((page) => page)).toBe(9);
});

it('a window is read again if a row outside of it shows that a balance within it was wrong', async () => {
  // Row 25 is filtered as if it had started 20 s before. A page that is in order by accident shows it, and not row 26.
  const rows = executions(60);
  const first = [...rows.slice(24, 26), ...rows.slice(27, 40)].toReversed();
  const second = rows.slice(9, 24).toReversed();
  const paged = pagedSource(rows, {
    ...{ order: 'descending', pageCap: 15, deviationMs: (row) => (row === rows[25] ? -20_000 : 0) },
    distort: (page, n) => (n === 2 ? { ...page, executions: first } : n === 3 ? { ...page, executions: second } : page),
  });
  await readFirst(paged.source, longSpan);
  const window = { fromMs: epochMs - 500, toMs: epochMs + 39_500 };
  const { collected } = await readWhole(runOf(paged), paged.source, window);
  expect([...collected.seen.keys()]).toEqual(
    expect.arrayContaining(keysOf([...rows.slice(0, 25), ...rows.slice(26, 40)])),
  );
});
