/**
 * The tasks of one workspace and their rules. Undefined tasks are derived from the seed and the task's id, so that the
 * same seed gives the same rules, in whatever order they are requested.
 */
import type { EpochMs } from '../../functions/model.ts';
import type { Listing } from './listing.ts';
import { type Random, seededRandom } from './random.ts';
import { compareIds, createdMsOf, idsPerMillisecond, snowflakeText } from './snowflake.ts';
import type { Task } from './timeline.ts';

/** A rule of a task, or one of the two sides of a comparison. */
export interface SimulatedRule {
  readonly idText: string;
  name: string;
  readonly type: string;
  readonly templateIdText: string;
  readonly dimension: string;
  readonly connection: string;
  readonly databases: string;
  readonly tables: string;
  readonly columns: string;
  alarmCondition: string;
  readonly weight: number;
}

/** A task as the source describes it. The next request sees changes of it. */
export interface SimulatedTask {
  readonly task: Task;
  readonly createdMs: EpochMs;
  readonly creator: string;
  readonly categoryIdText: string;
  description: string | null;
  level: string;
  scheduleStatus: string;
  readonly schedulePeriod: string | null;
  readonly scheduleInterval: string | null;
  /** One list for each rule: only the rule, or the two sides of a comparison. */
  rules: SimulatedRule[][];
}

/** A task in the list, with the start of its newest instance; null if it has none. */
export interface ListedTask {
  readonly definition: SimulatedTask;
  readonly lastRunMs: EpochMs | null;
}

const dimensions = ['Completeness', 'Uniqueness', 'Timeliness', 'Validity', 'Accuracy', 'Consistency'] as const;
const levels = ['SUGGEST', 'MINOR', 'MAJOR', 'FATAL'] as const;
const checkedColumns = ['order_id', 'amount', 'store_id', '客户编号', 'paid_at'] as const;
const periodsMs: readonly (readonly [string, number])[] = [
  ['DAY', 86_400_000],
  ['HOUR', 3_600_000],
  ['MINUTE', 60_000],
];
const lowMask = BigInt(idsPerMillisecond - 1);

/** Returns the part of an id that distinguishes ids of one millisecond. */
export function lowOf(idText: string): number {
  return Number(BigInt(idText) & lowMask);
}

/** The tasks of one workspace. */
export class TaskBook {
  readonly #seed: number;
  readonly #definitions = new Map<string, SimulatedTask>();
  readonly #deleted = new Set<string>();
  /** The start of the newest instance of each task, after this many changes of the listing. */
  #lastRuns = { changes: -1, startMs: new Map<string, EpochMs>() };

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Returns the definition of a task, which is generated at the first call. */
  define(task: Task, ruleCount?: number): SimulatedTask {
    const known = this.#definitions.get(task.taskId);
    if (known !== undefined) {
      return known;
    }
    const random = seededRandom(this.#seed, 4, lowOf(task.taskId), createdMsOf(task.taskId) % 2 ** 31);
    const definition = makeDefinition(task, random, ruleCount ?? random.between(1, 4));
    this.#definitions.set(task.taskId, definition);
    return definition;
  }

  /** Deletes a task: lists omit it, and requests for it get 404. Its instances stay. */
  remove(taskId: bigint): void {
    this.#deleted.add(String(taskId));
  }

  /** Returns the tasks of a type, newest first, including those that are only known from executions. */
  list(taskType: string, listing: Listing): readonly ListedTask[] {
    const startMs = this.#lastRunsOf(listing);
    return [...this.#definitions.values()]
      .filter(({ task }) => task.taskType === taskType && !this.#deleted.has(task.taskId))
      .sort((a, b) => compareIds(b.task.taskId, a.task.taskId))
      .map((definition) => ({ definition, lastRunMs: startMs.get(definition.task.taskId) ?? null }));
  }

  /** Also defines the tasks that are only known from executions. */
  #lastRunsOf(listing: Listing): ReadonlyMap<string, EpochMs> {
    const { changes } = listing;
    if (this.#lastRuns.changes === changes) {
      return this.#lastRuns.startMs;
    }
    const startMs = new Map<string, EpochMs>();
    for (const { task, rawText } of listing.vanished) {
      if (rawText === null) {
        this.define(task);
      }
    }
    for (const { task, startTimeMs, rawText } of listing.live) {
      if (rawText === null) {
        this.define(task);
        startMs.set(task.taskId, Math.max(startTimeMs, startMs.get(task.taskId) ?? 0));
      }
    }
    this.#lastRuns = { changes, startMs };
    return startMs;
  }
}

function makeDefinition(task: Task, random: Random, ruleCount: number): SimulatedTask {
  const [period, unitMs] = periodsMs.find(([, ms]) => task.everyMs !== null && task.everyMs >= ms) ?? [null, 0];
  return {
    task,
    createdMs: createdMsOf(task.taskId),
    creator: random.pick(['ei_dlf_analyst', 'dq-admin', '王小明']),
    categoryIdText: snowflakeText(Date.UTC(2024, 5, 1), random.between(0, 9)),
    description: random.chance(0.5) ? `Checks ${task.name}` : null,
    level: random.pick(levels),
    scheduleStatus: task.everyMs === null ? 'NOT_START' : 'SCHEDULING',
    schedulePeriod: period,
    scheduleInterval: period === null ? null : String((task.everyMs ?? 0) / unitMs),
    rules: Array.from({ length: ruleCount }, (_, index) => makeRule(task, index, random)),
  };
}

/** Makes a rule; each side of a comparison has its own id. */
function makeRule(task: Task, index: number, random: Random): SimulatedRule[] {
  const [table = 'orders', check = 'check'] = task.name.split('/');
  const sides = task.taskType === 'CONSISTENCY_TASK' ? ['source', 'target'] : [''];
  const column = random.pick(checkedColumns);
  const shared = {
    type: random.pick(['FIELD_RULE', 'TABLE_RULE', 'CUSTOM_RULE']),
    templateIdText: snowflakeText(Date.UTC(2024, 1, 1), random.between(0, 20)),
    dimension: random.pick(dimensions),
    alarmCondition: random.pick(['$1 > 0', '$1 / $2 > 0.05', '$3 == "false"']),
    weight: random.between(1, 9),
  };
  return sides.map((side, place) => ({
    ...shared,
    idText: snowflakeText(createdMsOf(task.taskId) + 1 + index * sides.length + place, lowOf(task.taskId)),
    name: `${check} ${index + 1}${side === '' ? '' : ` (${side})`}`,
    connection: side === 'target' ? 'dws_prod' : 'mrs_hive',
    databases: side === 'target' ? 'mart' : 'dwd',
    tables: table,
    columns: column,
  }));
}
