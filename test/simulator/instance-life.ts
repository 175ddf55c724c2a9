/** The life of one scheduled instance: it runs, ends, sends a notification, and may be run again. */
import type { EpochMs } from '../../functions/model.ts';
import { floorTo, type Grain } from './grain.ts';
import type { Random } from './random.ts';
import { type Entry, makeEntry, type State, type Task } from './timeline.ts';

/** The parameters of an instance, apart from randomness. */
export interface InstancePlan {
  readonly idText: string;
  readonly task: Task;
  /** Not yet rounded to the grain. */
  readonly firstStartMs: EpochMs;
  /** Probability of FAILED or ALARMING. */
  readonly trouble: number;
  /** At most a day. */
  readonly timeoutMs: number;
  /** Share of failed or alarming executions that are run again. */
  readonly rerunShare: number;
  readonly grain: Grain;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
const mostRuns = 4;
const longestPauseMs = 300 * minuteMs;

/** The longest time from an instance's first start to its end. */
export const longestLifeMs = mostRuns * (dayMs + longestPauseMs);

/** Returns the executions of an instance: that of its slot, and those of its re-runs. */
export function liveThrough(plan: InstancePlan, random: Random): readonly Entry[] {
  const { idText, task, grain } = plan;
  const entries: Entry[] = [];
  let startTimeMs = floorTo(grain, plan.firstStartMs);
  for (;;) {
    const states = makeStates(startTimeMs, plan, random);
    const visibleAtMs = startTimeMs + makeDelay(random);
    const entry = makeEntry({ idText, startTimeMs, task, states, visibleAtMs });
    entries.push(entry);
    const last = states.at(-1);
    const troubled = last?.runStatus === 'FAILED' || last?.runStatus === 'ALARMING';
    if (!troubled || entries.length === mostRuns || !random.chance(plan.rerunShare)) {
      return entries;
    }
    startTimeMs = floorTo(grain, openUntil(entry) + random.between(5 * minuteMs, longestPauseMs - minuteMs));
    entry.goneAtMs = Math.max(startTimeMs, visibleAtMs);
    entry.goneBecause = 'rerun';
  }
}

/** Returns the time from which the source shows an execution as ended; Infinity if never. */
export function openUntil(entry: Entry): EpochMs {
  return entry.states.find(({ endTimeMs }) => endTimeMs !== null)?.atMs ?? Number.POSITIVE_INFINITY;
}

/** Returns the delay from start to listing: mostly seconds, in one of 200 cases 2 to 14 minutes. */
function makeDelay(random: Random): number {
  return random.chance(0.005) ? random.between(2 * minuteMs, 14 * minuteMs) : random.between(50, 8_000);
}

function makeStates(startTimeMs: EpochMs, plan: InstancePlan, random: Random): readonly State[] {
  const running: State = { atMs: startTimeMs, runStatus: 'RUNNING', notifyStatus: 'NOT_TRIGGERED', endTimeMs: null };
  const luck = random.next();
  const durationMs = luck < 0.0005 ? plan.timeoutMs : makeDuration(random);
  const halfwayMs = startTimeMs + Math.floor(Math.min(durationMs, plan.timeoutMs) / 2);
  if (luck < 0.002 || durationMs >= plan.timeoutMs) {
    const stuck = random.pick(['RUNNING', 'SUSPENDING', 'UNKNOWN']);
    const ended = endedAt(startTimeMs + plan.timeoutMs, 'FAILED', plan.grain, random);
    return [running, { ...running, atMs: halfwayMs, runStatus: stuck }, ended];
  }
  const suspended = luck < 0.01 ? [{ ...running, atMs: halfwayMs, runStatus: 'SUSPENDING' }] : [];
  const troubled = random.chance(plan.trouble);
  const runStatus = troubled ? random.pick(['FAILED', 'ALARMING', 'ALARMING']) : 'SUCCESS';
  const ended = endedAt(startTimeMs + durationMs, runStatus, plan.grain, random);
  if (!random.chance(troubled ? 0.85 : 0.05)) {
    return [running, ...suspended, ended];
  }
  const notifyStatus = random.chance(0.93) ? 'SUCCESS' : 'FAILED';
  return [running, ...suspended, ended, { ...ended, atMs: ended.atMs + random.between(500, 90_000), notifyStatus }];
}

/** Returns the state of an execution that ended at `ms`: the source shows it up to a second later. */
function endedAt(ms: EpochMs, runStatus: string, grain: Grain, random: Random): State {
  const atMs = ms + random.between(0, 900);
  return { atMs, runStatus, notifyStatus: 'NOT_TRIGGERED', endTimeMs: floorTo(grain, ms) };
}

/** Returns a duration: mostly under a minute, some up to twenty, a few for hours. */
function makeDuration(random: Random): number {
  const luck = random.next();
  if (luck < 0.9) {
    return random.between(800, minuteMs);
  }
  return luck < 0.99 ? random.between(minuteMs, 20 * minuteMs) : random.between(60 * minuteMs, 240 * minuteMs);
}
