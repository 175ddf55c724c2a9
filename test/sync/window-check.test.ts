/** What the check of a new target's source tolerates. What it refuses: traps.test.ts. */
import { expect, it } from 'vitest';
import { SourceError } from '../../functions/errors.ts';
import type { Execution } from '../../functions/model.ts';
import { requireWindows } from '../../functions/sync/window-check.ts';
import { epochMs, executions, type PagedSourceTraps, pagedSource } from '../support/paged-source.ts';

/** Returns executions a minute apart, unless `gapMs` is given, of which the first `long` take `tookMs`. */
function rows(count: number, tookMs: number, { long = count, gapMs = 60_000, restMs = 1_000 } = {}): Execution[] {
  return executions(count, (index) => index * gapMs).map((row, index) => ({
    ...row,
    endTimeMs: row.startTimeMs + (index < long ? tookMs : restMs),
  }));
}

const gone = executions(1, () => -3_600_000).map((row) => ({ ...row, id: 1n, endTimeMs: row.startTimeMs + 30_000 }));

const hourMs = 3_600_000;

/** A source that selects by ends shows this much more than the start. */
function endOf({ startTimeMs, endTimeMs }: Execution): number {
  return (endTimeMs ?? startTimeMs) - startTimeMs;
}

it.each<[string, readonly Execution[], Execution[], Partial<PagedSourceTraps>, number]>([
  ['one execution is listed around its start', [], rows(300, 600_000), {}, 3],
  ['every execution is short', [], rows(300, 19_000), { filterSkewMs: 18_000 }, 2],
  ['ends are invalid', [], rows(300, 9e12), { filterSkewMs: hourMs }, 2],
  ['starts deviate by seconds', [], rows(300, 30_000), { filterSkewMs: 14_000 }, 3],
  ['starts deviate by minutes', [], rows(300, 600_000), { filterSkewMs: 120_000 }, 14],
  ['starts deviate by minutes the other way', [], rows(300, 600_000), { filterSkewMs: -120_000 }, 11],
  ['starts deviate by an hour', [], rows(300, 600_000, { gapMs: 7e6 }), { filterSkewMs: hourMs }, 11],
  ['ends are what it selects by', [], rows(300, 600_000), { deviationMs: endOf }, 14],
  ['a reply is empty by itself', [], rows(300, 600_000, { long: 1 }), { emptyRequests: new Set([3]) }, 4],
  ['every third reply is empty', [], rows(300, 30_000), { emptyRequests: new Set([3, 6, 9]) }, 4],
  ['an execution has been run again since it was listed', gone, rows(300, 600_000), {}, 6],
  [
    'more executions start at the same time than a page holds',
    [],
    rows(300, 600_000, { gapMs: 0 }),
    { order: 'descending' },
    5,
  ],
  ['no execution was listed', [], [], {}, 2],
  ['executions still run', [], rows(300, 0), {}, 2],
])('does not refuse a source because %s', async (_, before, shown, traps, requests) => {
  const source = pagedSource(shown, traps);
  await requireWindows(source.source, [...before, ...shown], epochMs + 86_400_000);
  expect(source.requests).toBe(requests);
});

it('does not refuse a source because every reply has an execution of another day, or far times are refused', async () => {
  const shown = rows(300, 600_000);
  const source = pagedSource(shown);
  const nowMs = epochMs + 86_400_000;
  const [stray] = shown;
  const withStray: typeof source.fetchPage = async (request) => {
    const page = await source.fetchPage(request);
    return { ...page, executions: [...page.executions, stray!] };
  };
  await requireWindows({ fetchPage: withStray, filter: {} }, shown.slice(-50), nowMs);
  for (const httpStatus of [400, 404, 422, 500]) {
    const refusing: typeof source.fetchPage = async (request) => {
      if (request.endTimeMs > nowMs || request.startTimeMs < epochMs - 10 * 86_400_000) {
        throw new SourceError('refused', { remedy: 'None.', httpStatus });
      }
      return await source.fetchPage(request);
    };
    await requireWindows({ fetchPage: refusing, filter: {} }, shown, nowMs);
  }
  expect(source.requests).toBe(3 + 4);
});

it('refuses a source that lists an execution only for a window that reaches beyond its end', async () => {
  const shown = rows(300, 600_000);
  const source = pagedSource(shown);
  const fetchPage: typeof source.fetchPage = async (request) => {
    const page = await source.fetchPage(request);
    const executions = page.executions.filter(({ endTimeMs }) => (endTimeMs ?? 0) <= request.endTimeMs);
    return { ...page, executions };
  };
  await expect(requireWindows({ fetchPage, filter: {} }, shown, epochMs + 86_400_000)).rejects.toMatchObject({
    kind: 'source',
    message: expect.stringContaining('does not select by start time'),
  });
  expect(source.requests).toBe(2 + 5);
});
