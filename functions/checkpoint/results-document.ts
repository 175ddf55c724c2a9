/** The backlog of rule results as it is stored: `state/<target>/results.json`. */
import * as z from 'zod';
import { resultsKey } from '../warehouse/layout.ts';
import type { PendingResults } from './pending-results.ts';
import { type DocumentKind, storedId as id, json, jsonLines } from './state-document.ts';

const ms = z.int();
const states = ['none', 'unfinished', 'rerun'] as const;
const schema = z
  .object({
    format: z.literal('dqsync.results'),
    version: z.literal(1),
    pending: z.array(z.tuple([id, ms, id.nullable(), z.int(), ms, z.enum(states)])),
    windows: z.array(z.object({ fromMs: ms, toMs: ms, executions: ms })).default([]),
    fetched: z.array(z.tuple([id, ms, id.nullable(), ms])),
    expired: z.array(z.tuple([id, ms])).default([]),
    waitingSinceMs: ms.nullable().default(null),
    refused: z.object({ atMs: ms, message: z.string() }).nullable(),
  })
  .transform(
    ({ pending, fetched, expired, windows, waitingSinceMs, refused }): PendingResults => ({
      pending: pending.map(([instance, startTimeMs, taskId, tries, notBeforeMs, state]) => ({
        ...{ id: instance, startTimeMs, taskId, tries, notBeforeMs, state },
      })),
      fetched: fetched.map(([instance, startTimeMs, taskId, fetchedAtMs]) => ({
        ...{ id: instance, startTimeMs, taskId, fetchedAtMs },
      })),
      expired: expired.map(([instance, startTimeMs]) => ({ id: instance, startTimeMs })),
      ...{ windows, waitingSinceMs, refused },
    }),
  );

/** The document as stored. */
export const pendingResultsKind: DocumentKind<PendingResults> = {
  keyOf: resultsKey,
  schema,
  empty: { pending: [], windows: [], fetched: [], expired: [], waitingSinceMs: null, refused: null },
  encode: ({ pending, windows, fetched, expired, waitingSinceMs, refused }) => {
    const gone = expired.map((entry) => [entry.id, entry.startTimeMs]);
    const head = json({ format: 'dqsync.results', version: 1, waitingSinceMs, refused, expired: gone, windows });
    const done = fetched.map((entry) => [entry.id, entry.startTimeMs, entry.taskId, entry.fetchedAtMs]);
    const waiting = pending.map((one) => [one.id, one.startTimeMs, one.taskId, one.tries, one.notBeforeMs, one.state]);
    return `${head.slice(0, -1)},"fetched":${jsonLines(done)},"pending":${jsonLines(waiting)}}\n`;
  },
};
