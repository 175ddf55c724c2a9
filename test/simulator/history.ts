/**
 * The past and the near future of a workspace: tasks on schedules, with one instance for each slot of a schedule.
 *
 * An instance is a pure function of (seed, task, slot), so another span of days over the same seed has the same
 * instances where the spans overlap.
 */
import type { EpochMs } from '../../functions/model.ts';
import type { Grain } from './grain.ts';
import { liveThrough, longestLifeMs, openUntil } from './instance-life.ts';
import { makeTasks } from './names.ts';
import { type Random, seededRandom } from './random.ts';
import { creationOf, idsPerMillisecond, snowflakeText } from './snowflake.ts';
import type { Entry, Task } from './timeline.ts';

/** Options of a history. */
export interface HistoryOptions {
  /** Days before now. */
  readonly days: number;
  /** Days after now, for a clock that is advanced. Default 2. */
  readonly aheadDays?: number;
  /** Number of tasks. 60% run at midnight UTC and 25% at full hours, all of these on the exact second. Default 40. */
  readonly tasks?: number;
  /** Share of failed or alarming executions that are run again within hours. Default 0.15. */
  readonly rerunShare?: number;
  /** Unit of start and end times. Default: whole seconds. */
  readonly grain?: Grain;
  /** Instances are created up to this much before or after their first start. Default: see `creationOf`. */
  readonly creationSpreadMs?: number;
}

interface Schedule {
  readonly task: Task;
  readonly everyMs: number;
  /** Slots start up to this much late; 0 for exactly on the millisecond. */
  readonly jitterMs: number;
  /** Probability of FAILED or ALARMING. */
  readonly trouble: number;
  /** An execution that is unfinished after this time is ended as FAILED. */
  readonly timeoutMs: number;
}

/** The executions of one instance, one after the other. */
type Instance = readonly Entry[];

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** Generates the executions of one workspace around `nowMs`. */
export function generateHistory(seed: number, nowMs: EpochMs, options: HistoryOptions): Entry[] {
  const random = seededRandom(seed, 1);
  const tasks = makeTasks(random, options.tasks ?? 40);
  const fromMs = nowMs - options.days * dayMs;
  const toMs = nowMs + (options.aheadDays ?? 2) * dayMs;
  return tasks.flatMap((task, taskIndex) => {
    const schedule = makeSchedule(task, taskIndex / tasks.length, random);
    const makeInstance = (slot: number): Instance =>
      instanceOf(schedule, taskIndex, slot, seededRandom(seed, taskIndex, slot), options);
    return instancesOf(schedule.everyMs, fromMs, toMs, makeInstance).flat();
  });
}

function makeSchedule(unscheduled: Task, rank: number, random: Random): Schedule {
  const trouble = random.pick([0.01, 0.02, 0.05, 0.05, 0.1, 0.35]);
  const everyMs = rank < 0.6 ? dayMs : rank < 0.85 ? hourMs : 15 * minuteMs;
  const task = { ...unscheduled, everyMs };
  if (rank < 0.85) {
    return { task, everyMs, jitterMs: 0, trouble, timeoutMs: dayMs };
  }
  return { task, everyMs, jitterMs: random.pick([0, 4_000]), trouble, timeoutMs: 2 * hourMs };
}

/**
 * Makes the instances of one task with slots in `[fromMs, toMs)`. A slot is skipped if the instance of an earlier slot
 * is or would be unfinished at the same time: the source has at most one unfinished instance of a task. Instances of
 * skipped slots count too. Otherwise the instances would depend on the first slot of the span.
 */
function instancesOf(
  everyMs: number,
  fromMs: EpochMs,
  toMs: EpochMs,
  makeInstance: (slot: number) => Instance,
): readonly Instance[] {
  const kept: Instance[] = [];
  let unfinished: Instance[] = [];
  for (let slot = Math.ceil((fromMs - longestLifeMs) / everyMs); slot * everyMs < toMs; slot += 1) {
    const instance = makeInstance(slot);
    const startTimeMs = instance[0]?.startTimeMs ?? 0;
    unfinished = unfinished.filter((other) => other.some((entry) => openUntil(entry) > startTimeMs));
    if (slot * everyMs >= fromMs && !unfinished.some((other) => areOpenTogether(other, instance))) {
      kept.push(instance);
    }
    unfinished.push(instance);
  }
  return kept;
}

function areOpenTogether(a: Instance, b: Instance): boolean {
  return a.some((one) => b.some((other) => one.startTimeMs < openUntil(other) && other.startTimeMs < openUntil(one)));
}

function instanceOf(
  schedule: Schedule,
  taskIndex: number,
  slot: number,
  random: Random,
  { rerunShare = 0.15, grain = 'second', creationSpreadMs }: HistoryOptions,
): Instance {
  const firstStartMs = slot * schedule.everyMs + random.between(0, schedule.jitterMs);
  // Slots of one task are minutes apart, so ids of one millisecond belong to different tasks.
  const low = taskIndex % (idsPerMillisecond / 2);
  const idText = snowflakeText(creationOf(firstStartMs, random, creationSpreadMs), low);
  return liveThrough({ ...schedule, idText, firstStartMs, rerunShare, grain }, random);
}
