/**
 * The switches of the simulator: ways in which the real source may differ from the defaults. They can be changed while
 * the simulator runs. The defaults are what the published examples and manuals show.
 */
import type { EpochMs } from '../../functions/model.ts';
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

/** The page that a hook is called for. */
export interface PageEvent {
  /** Number of the page among all pages made, from 1; refused requests make none. */
  readonly n: number;
  readonly workspace: string;
  readonly query: InstanceQuery;
  /** Rows on the page; 0 before it is made. */
  readonly rows: number;
  readonly life: LifeCycle;
}

/** Called around a page; what it does to the world is seen by the next page made. */
export type PageHook = (event: PageEvent) => void | Promise<void>;

/**
 * The order of rows. Rows with equal start times are ordered by id, in the same direction as the start times.
 * `unstable-ties` (newest first) and `unstable-ties-asc` shuffle rows with equal start times for each request, `unstable`
 * shuffles all rows.
 */
export type SortOrder =
  | 'start-desc'
  | 'start-asc'
  | 'id-desc'
  | 'id-asc'
  | 'unstable-ties'
  | 'unstable-ties-asc'
  | 'unstable';

/** The meaning of `count`: all matching rows, the rows of this page, all matching rows up to a cap, or left out. */
export type CountMeaning = 'total' | 'page' | 'missing' | { readonly cappedAt: number };

/** The switches of one simulator. */
export interface Traps {
  offsetUnit: 'row' | 'page';
  /** Most rows in a reply, whatever limit was asked for. With page offsets, a page is then this long. */
  pageCap: number | null;
  count: CountMeaning;
  order: SortOrder;
  /** Whether a row that starts exactly at the query's `start_time` is in. */
  startEdge: 'inclusive' | 'exclusive';
  /** Whether a row that starts exactly at the query's `end_time` is in. */
  endEdge: 'inclusive' | 'exclusive';
  /** The query compares its window with the start time shown plus this; negative: minus. */
  filterSkewMs: number;
  /** A query whose window is longer than so many days is refused with 400. A window open at one end is not. */
  maxSpanDays: number | null;
  /** A page whose first row has a higher index is refused with 400. */
  deepestOffset: number | null;
  /** A list ends after so many rows, and its `count` too, whatever else matches. */
  listCap: number | null;
  notifySpelling: NotifySpelling;
  /** JSON text of members put into every row, for example `sampleExtraFields`; null: none. */
  extraFields: string | null;
  /** Every reply takes this long … */
  latencyMs: number;
  /** … and up to this much more. Half of it passes before the page is made, half after. */
  jitterMs: number;
  /** The source's clock is off by this much: header `Date`, checks of `X-Sdk-Date`, times of tokens. Not the rows. */
  dateSkewMs: number;
  /** Form of `Retry-After` with a 429. */
  retryAfter: 'none' | 'seconds' | 'date';
  /** What goes wrong, and when. If several faults apply to a request, the first one wins. */
  faults: Fault[];
  /** After each nth page, a random row of the queried window is run again, … */
  rerunEveryNthRequest: number | null;
  /** … deleted, … */
  deleteEveryNthRequest: number | null;
  /** … or a late one is inserted into it. */
  insertEveryNthRequest: number | null;
  beforePage: PageHook | null;
  afterPage: PageHook | null;
  /** The results of an instance are empty until so long after its end. */
  resultDelayMs: number;
  /** The table of abnormal rows of an alarm is READY or RUNNING for so long after that. */
  abnormalDelayMs: number;
  /** The language of the labels in results; `changing`: another one with each reply. */
  resultLabels: 'en' | 'zh' | 'changing';
}

/** Fields that no documentation names: nested, a number beyond 64 bits, decimals with zeros at the end, text to escape. */
export const sampleExtraFields =
  '"score":98.7500,"batch_no":12345678901234567890,"ratio":1e-7,"detail":{"rows":[1,2.50,null],"note":"\\"quoted\\" \\ud842\\udfb7"},"flag":true';

/** Returns the source as far as it is known, with some switches set. */
export function makeTraps(overrides: Partial<Traps> = {}): Traps {
  return {
    offsetUnit: 'row',
    pageCap: null,
    count: 'total',
    order: 'start-desc',
    startEdge: 'inclusive',
    endEdge: 'inclusive',
    filterSkewMs: 0,
    maxSpanDays: null,
    deepestOffset: null,
    listCap: null,
    notifySpelling: 'notity',
    extraFields: null,
    latencyMs: 0,
    jitterMs: 0,
    dateSkewMs: 0,
    retryAfter: 'none',
    faults: [],
    rerunEveryNthRequest: null,
    deleteEveryNthRequest: null,
    insertEveryNthRequest: null,
    beforePage: null,
    afterPage: null,
    resultDelayMs: 0,
    abnormalDelayMs: 0,
    resultLabels: 'en',
    ...overrides,
  };
}
