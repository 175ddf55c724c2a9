/**
 * The past and the near future of a workspace: tasks on schedules, each slot an execution with a life of its own.
 *
 * An execution is a pure function of (seed, task, slot), so another span of days over the same seed has the same
 * executions where the spans overlap.
 */
import type { EpochMs } from '../../functions/model.ts';
import { makeTasks } from './names.ts';
import { type Random, seededRandom } from './random.ts';
import { type Entry, makeEntry, type State, type Task } from './timeline.ts';

/** What to generate. */
export interface HistoryOptions {
  /** Days before now. */
  readonly days: number;
  /** Days after now, for a clock that is advanced. Default 2. */
  readonly aheadDays?: number;
  /** How many tasks; 60 % of them run at midnight UTC, in one and the same millisecond. Default 40. */
  readonly tasks?: number;
  /** Share of failed or alarming executions that somebody runs again within hours. Default 0.15. */
  readonly rerunShare?: number;
}

interface Schedule {
  readonly task: Task;
  readonly everyMs: number;
  /** Slots start up to this much late; 0: on the very millisecond. */
  readonly jitterMs: number;
  /** Probability of FAILED or ALARMING. */
  readonly trouble: number;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Generates the executions of one workspace around `nowMs`. */
export function generateHistory(seed: number, nowMs: EpochMs, options: HistoryOptions): Entry[] {
  const random = seededRandom(seed, 1);
  const idSuffix = String(random.between(100, 999));
  const tasks = makeTasks(random, options.tasks ?? 40);
  const fromMs = nowMs - options.days * dayMs;
  const toMs = nowMs + (options.aheadDays ?? 2) * dayMs;
  const entries: Entry[] = [];
  tasks.forEach((task, taskIndex) => {
    const schedule = makeSchedule(task, taskIndex / tasks.length, random);
    for (let slot = Math.ceil(fromMs / schedule.everyMs); slot * schedule.everyMs < toMs; slot += 1) {
      const slotRandom = seededRandom(seed, taskIndex, slot);
      const minute = Math.floor((slot * schedule.everyMs) / minuteMs);
      const idText = `91${String(taskIndex).padStart(6, '0')}${String(minute).padStart(8, '0')}${idSuffix}`;
      entries.push(...liveThrough(schedule, idText, slot, slotRandom, options.rerunShare ?? 0.15));
    }
  });
  return entries;
}

function makeSchedule(task: Task, rank: number, random: Random): Schedule {
  const trouble = random.pick([0.01, 0.02, 0.05, 0.05, 0.1, 0.35]);
  if (rank < 0.6) {
    return { task, everyMs: dayMs, jitterMs: 0, trouble };
  }
  return rank < 0.85
    ? { task, everyMs: 60 * minuteMs, jitterMs: random.pick([0, 4_000]), trouble }
    : { task, everyMs: 15 * minuteMs, jitterMs: 4_000, trouble };
}

/** The execution of one slot and, where it was run again, the ones after it. */
function liveThrough(
  schedule: Schedule,
  idText: string,
  slot: number,
  random: Random,
  rerunShare: number,
): readonly Entry[] {
  const entries: Entry[] = [];
  let startTimeMs = slot * schedule.everyMs + random.between(0, schedule.jitterMs);
  for (;;) {
    const states = makeStates(startTimeMs, schedule.trouble, random);
    const visibleAtMs = startTimeMs + makeDelay(random);
    const entry = makeEntry({ idText, startTimeMs, task: schedule.task, states, visibleAtMs });
    entries.push(entry);
    const last = states.at(-1);
    const troubled = last?.runStatus === 'FAILED' || last?.runStatus === 'ALARMING';
    if (!troubled || entries.length > 3 || !random.chance(rerunShare)) {
      return entries;
    }
    startTimeMs = (last?.atMs ?? startTimeMs) + random.between(5 * minuteMs, 300 * minuteMs);
    entry.goneAtMs = Math.max(startTimeMs, visibleAtMs);
    entry.goneBecause = 'rerun';
  }
}

/** How long after its start an execution is listed: mostly seconds, one in 200 minutes (but within 14). */
function makeDelay(random: Random): number {
  return random.chance(0.005) ? random.between(2 * minuteMs, 14 * minuteMs) : random.between(50, 8_000);
}

function makeStates(startTimeMs: EpochMs, trouble: number, random: Random): readonly State[] {
  const running: State = {
    atMs: startTimeMs,
    runStatus: 'RUNNING',
    notifyStatus: 'NOT_TRIGGERED',
    endTimeMs: null,
  };
  const luck = random.next();
  if (luck < 0.0005) {
    return [running];
  }
  const endTimeMs = startTimeMs + makeDuration(random);
  if (luck < 0.002) {
    const stuck = random.pick(['SUSPENDING', 'UNKNOWN']);
    return [running, { ...running, atMs: endTimeMs, runStatus: stuck }];
  }
  const suspended =
    luck < 0.01
      ? [{ ...running, atMs: startTimeMs + Math.floor((endTimeMs - startTimeMs) / 2), runStatus: 'SUSPENDING' }]
      : [];
  const troubled = random.chance(trouble);
  const runStatus = troubled ? random.pick(['FAILED', 'ALARMING', 'ALARMING']) : 'SUCCESS';
  const ended: State = { ...running, atMs: endTimeMs + random.between(0, 900), runStatus, endTimeMs };
  if (!random.chance(troubled ? 0.85 : 0.05)) {
    return [running, ...suspended, ended];
  }
  const notifyStatus = random.chance(0.93) ? 'SUCCESS' : 'FAILED';
  return [running, ...suspended, ended, { ...ended, atMs: ended.atMs + random.between(500, 90_000), notifyStatus }];
}

/** Mostly under a minute, some up to twenty, a few for hours. */
function makeDuration(random: Random): number {
  const luck = random.next();
  if (luck < 0.9) {
    return random.between(800, minuteMs);
  }
  return luck < 0.99 ? random.between(minuteMs, 20 * minuteMs) : random.between(60 * minuteMs, 240 * minuteMs);
}
