/** The backlog of rule results as it is stored: `state/<target>/results.json`. */
import * as z from 'zod';
import type { PendingResults } from './pending-results.ts';
import type { DocumentKind } from './state-document.ts';

const id = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .transform(BigInt);
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
  schema,
  empty: { pending: [], windows: [], fetched: [], expired: [], waitingSinceMs: null, refused: null },
  encode: ({ pending, windows, fetched, expired, waitingSinceMs, refused }) => {
    const lines = pending.map(({ id: instance, startTimeMs, taskId, tries, notBeforeMs, state }) =>
      JSON.stringify([String(instance), startTimeMs, textOf(taskId), tries, notBeforeMs, state]),
    );
    const done = fetched.map((entry) =>
      JSON.stringify([String(entry.id), entry.startTimeMs, textOf(entry.taskId), entry.fetchedAtMs]),
    );
    const gone = expired.map((entry) => [String(entry.id), entry.startTimeMs]);
    const head = JSON.stringify({
      ...{ format: 'dqsync.results', version: 1 },
      waitingSinceMs,
      refused,
      expired: gone,
    });
    return `${head.slice(0, -1)},"windows":${JSON.stringify(windows)},"fetched":[\n${done.join(',\n')}],"pending":[\n${lines.join(',\n')}]}\n`;
  },
};

function textOf(value: bigint | null): string | null {
  return value === null ? null : String(value);
}
