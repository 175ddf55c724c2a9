/** The backlog of rule results: `state/<target>/results.json`. Its changes are in pending-results.ts. */
import * as z from 'zod';
import { resultsKey } from '../warehouse/layout.ts';
import type { DocumentKind } from './state-document.ts';
import { storedId as id, json, jsonLines, list } from './stored-json.ts';

const ms = z.int();

const pendingResult = z
  .tuple([id, ms, id.nullable(), z.int(), ms, z.enum(['none', 'unfinished', 'rerun'])])
  .transform(([instance, startTimeMs, taskId, tries, notBeforeMs, state]) => ({
    ...{ id: instance, startTimeMs, taskId },
    /** Number of requests without results, or without finished abnormal rows. */
    tries,
    /** Earliest time of the next request. If `rerun`: results that were fetched from this time on are in doubt. */
    notBeforeMs,
    /**
     * `none`: nothing is in the table, or it is to be fetched again. `unfinished`: results are, and are to be fetched
     * once more. `rerun`: the instance has started again, so the source's reply is about another execution, and a row
     * must record that.
     */
    state,
  }));

const fetchedResult = z
  .tuple([id, ms, id.nullable(), ms])
  .transform(([instance, startTimeMs, taskId, fetchedAtMs]) => ({ id: instance, startTimeMs, taskId, fetchedAtMs }));

const resultsWindow = z.object({
  fromMs: ms,
  toMs: ms,
  /** How many were taken off the list. Only an estimate of what the window still holds. */
  executions: ms,
  /** Number of times that the source failed to list it. */
  tries: z.int().default(0),
  /** Earliest time at which it is listed. */
  notBeforeMs: ms.default(0),
});

const document = z.object({
  format: z.literal('dqsync.results'),
  version: z.literal(1),
  pending: list(pendingResult),
  /** Disjoint, in order of time. */
  windows: list(resultsWindow).default([]),
  fetched: list(fetchedResult),
  /** The last executions whose results are no longer requested, because every request for them failed. */
  expired: list(z.tuple([id, ms]).transform(([instance, startTimeMs]) => ({ id: instance, startTimeMs }))).default([]),
  /** Since when there has been at least one execution to request at any time; null if there is none. */
  waitingSinceMs: ms.nullable().default(null),
  /** Why the source refused the last request for results; null if it did not. */
  refused: z.object({ atMs: ms, message: z.string() }).nullable(),
});

/** An execution whose results are to be fetched. */
export type PendingResult = Readonly<z.output<typeof pendingResult>>;

/** An execution as it was written. */
export interface WrittenExecution extends Pick<PendingResult, 'id' | 'startTimeMs' | 'taskId'> {
  /** Whether its results are to be fetched. */
  readonly isWanted: boolean;
}

/** A window whose executions are not listed one by one. The source lists them again when their turn comes. */
export type ResultsWindow = Readonly<z.output<typeof resultsWindow>>;

/** The document. */
export type PendingResults = Readonly<Omit<z.output<typeof document>, 'format' | 'version'>>;

/** The document of a target that has none. */
export const noResults: PendingResults = {
  pending: [],
  windows: [],
  fetched: [],
  expired: [],
  waitingSinceMs: null,
  refused: null,
};

/** The document as stored. */
export const pendingResultsKind = (target: string): DocumentKind<PendingResults> => ({
  key: resultsKey(target),
  schema: document.transform(({ format: _format, version: _version, ...results }) => results),
  empty: noResults,
  encode: ({ pending, windows, fetched, expired, waitingSinceMs, refused }) => {
    const gone = expired.map((entry) => [entry.id, entry.startTimeMs]);
    const head = json({ format: 'dqsync.results', version: 1, waitingSinceMs, refused, expired: gone, windows });
    const done = fetched.map((entry) => [entry.id, entry.startTimeMs, entry.taskId, entry.fetchedAtMs]);
    const waiting = pending.map((one) => [one.id, one.startTimeMs, one.taskId, one.tries, one.notBeforeMs, one.state]);
    return `${head.slice(0, -1)},"fetched":${jsonLines(done)},"pending":${jsonLines(waiting)}}\n`;
  },
});
