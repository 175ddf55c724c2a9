/**
 * The switches of the simulator: ways in which the real source may differ from the published examples and manuals,
 * which are the defaults. They can be changed while the simulator runs.
 */
import type { EpochMs, Window } from '../../functions/model.ts';
import type { Fault } from './faults.ts';
import type { LifeCycle } from './life-cycle.ts';
import type { NotifySpelling } from './timeline.ts';

/** A checked query of the instance list. */
export interface InstanceQuery {
  readonly name: string | null;
  readonly taskType: string | null;
  readonly runStatus: string | null;
  readonly notifyStatus: string | null;
  readonly startTimeMs: EpochMs | null;
  readonly endTimeMs: EpochMs | null;
  readonly limit: number;
  /** As sent; in rows or pages. */
  readonly offset: number;
}

/** The page for which a hook is called. */
export interface PageEvent {
  /** Number of the page, from 1. Refused requests do not count. */
  readonly n: number;
  readonly workspace: string;
  readonly query: InstanceQuery;
  /** Rows on the page; 0 before it is made. */
  readonly rows: number;
  readonly life: LifeCycle;
}

/** Called before or after a page. The next page that is made shows its changes. */
export type PageHook = (event: PageEvent) => void | Promise<void>;

/**
 * The order of rows. Rows with equal start times are ordered by id, in the same direction as the start times.
 * `unstable-ties` (newest first) shuffles rows with equal start times for each request, `unstable` shuffles all rows.
 */
export type SortOrder = 'start-desc' | 'start-asc' | 'id-desc' | 'id-asc' | 'unstable-ties' | 'unstable';

/** The meaning of `count`: all matching rows, the rows of this page, all matching rows up to a cap, or absent. */
export type CountMeaning = 'total' | 'page' | 'missing' | { readonly cappedAt: number };

/** The switches of one simulator. */
export interface Traps {
  offsetUnit: 'row' | 'page';
  /** Maximum rows in a reply, whatever the requested limit. If offsets count pages, it is the length of a page. */
  pageCap: number | null;
  count: CountMeaning;
  order: SortOrder;
  /** Whether a row that starts exactly at the query's `start_time` matches. */
  startEdge: 'inclusive' | 'exclusive';
  /** Whether a row that starts exactly at the query's `end_time` matches. */
  endEdge: 'inclusive' | 'exclusive';
  /** The query compares its window with the shown start time plus this, which may be negative. */
  filterSkewMs: number;
  /** Ends of the window that the query leaves out of account. */
  ignoredEnds: readonly ('start_time' | 'end_time')[];
  /** Whether the query's `end_time` is compared with the end of an execution, so that a running one never matches. */
  filtersByEnd: boolean;
  /** A query for a longer window is refused with 400, unless the window is open at one end. */
  maxSpanDays: number | null;
  /** A page whose first row has a larger index is refused with 400. */
  deepestOffset: number | null;
  /** The most rows that a list and its `count` have, even if more match. */
  listCap: number | null;
  /** A page with a row that starts in this span is never delivered: the reply is HTTP 500. */
  brokenSpan: Window | null;
  notifySpelling: NotifySpelling;
  /** JSON text of members to add to every row, for example `sampleExtraFields`. */
  extraFields: string | null;
  /** The latency of every reply. Half of it passes before the page is made, half after. */
  latencyMs: number;
  /** The largest random addition to the latency. */
  jitterMs: number;
  /**
   * The skew of the source's clock in the header `Date`, checks of `X-Sdk-Date` and times of tokens, but not in rows.
   */
  dateSkewMs: number;
  /** If several faults apply to a request, the first one wins. */
  faults: Fault[];
  /** After each nth page, a random instance in the queried window is run again. */
  rerunEveryNthRequest: number | null;
  /** After each nth page, a random instance in the queried window is deleted. */
  deleteEveryNthRequest: number | null;
  beforePage: PageHook | null;
  afterPage: PageHook | null;
  /** The time after an instance's end during which its results are empty. */
  resultDelayMs: number;
  /** The time after that during which the table of abnormal rows of an alarm is READY or RUNNING. */
  abnormalDelayMs: number;
  /** Added to `last_run_time` of every task. */
  lastRunSkewMs: number;
  /** The language of the labels in results; `changing`: another one with each reply. */
  resultLabels: 'en' | 'zh' | 'changing';
}

/** Undocumented fields: nested, a number beyond 64 bits, decimals with trailing zeros, text to escape. */
export const sampleExtraFields =
  '"score":98.7500,"batch_no":12345678901234567890,"ratio":1e-7,"detail":{"rows":[1,2.50,null],"note":"\\"quoted\\" \\ud842\\udfb7"},"flag":true';

/** Returns the default switches with overrides. */
export function makeTraps(overrides: Partial<Traps> = {}): Traps {
  return {
    offsetUnit: 'row',
    pageCap: null,
    count: 'total',
    order: 'start-desc',
    startEdge: 'inclusive',
    endEdge: 'inclusive',
    filterSkewMs: 0,
    ignoredEnds: [],
    filtersByEnd: false,
    maxSpanDays: null,
    deepestOffset: null,
    listCap: null,
    brokenSpan: null,
    notifySpelling: 'notity',
    extraFields: null,
    latencyMs: 0,
    jitterMs: 0,
    dateSkewMs: 0,
    faults: [],
    rerunEveryNthRequest: null,
    deleteEveryNthRequest: null,
    beforePage: null,
    afterPage: null,
    resultDelayMs: 0,
    abnormalDelayMs: 0,
    lastRunSkewMs: 0,
    resultLabels: 'en',
    ...overrides,
  };
}
