import { beforeEach, describe, expect, it } from 'vitest';
import { generateHistory } from './history.ts';
import { longestLifeMs, openUntil } from './instance-life.ts';
import { frozenClock, type MovableClock } from './movable-clock.ts';
import { type Simulator, startSimulator } from './server.ts';
import { createdMsOf } from './snowflake.ts';
import { type Entry, stateAt, type Task } from './timeline.ts';

const nowMs = 1_790_000_000_000;
const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
const options = { days: 3, tasks: 40 };

/** Returns the first execution of each instance. */
function firstRuns(entries: readonly Entry[]): readonly Entry[] {
  const seen = new Set<string>();
  return entries.filter(({ idText }) => !seen.has(idText) && seen.add(idText));
}

/** Returns the tasks that are scheduled only at full hours. */
function hourlyTasks(entries: readonly Entry[]): ReadonlySet<Task> {
  const others = firstRuns(entries).filter(({ startTimeMs }) => startTimeMs % hourMs !== 0);
  return new Set(entries.map(({ task }) => task)).difference(new Set(others.map(({ task }) => task)));
}

describe('a generated history', () => {
  it('is the same for the same seed and different for another', () => {
    const histories = [generateHistory(5, nowMs, options), generateHistory(5, nowMs, options)];
    expect(histories[0]).toEqual(histories[1]);
    expect(generateHistory(6, nowMs, options)).not.toEqual(histories[0]);
  });

  it('has the same instances for every span of days that contains their slots', () => {
    const long = generateHistory(3, nowMs, { days: 30, aheadDays: 0, rerunShare: 0.8 });
    for (let hour = 0; hour < 28 * 24; hour += 9) {
      const [fromMs, toMs] = [nowMs - 29 * dayMs + hour * hourMs, nowMs - 28 * dayMs + hour * hourMs];
      const short = generateHistory(3, toMs, { days: 1, aheadDays: 0, rerunShare: 0.8 });
      const inBoth = ({ idText }: Entry): boolean =>
        createdMsOf(idText) >= fromMs + minuteMs && createdMsOf(idText) < toMs - minuteMs;
      expect(short.filter(inBoth).length).toBeGreaterThan(500);
      expect(short.filter(inBoth)).toEqual(long.filter(inBoth));
    }
  });

  it('has ids of 18 or 19 digits, unique among instances, and a unique key for each execution', () => {
    const entries = generateHistory(1, nowMs, options);
    const keys = new Set(entries.map(({ idText, startTimeMs }) => `${idText}@${startTimeMs}`));
    expect(entries.length).toBeGreaterThan(2_500);
    expect(keys.size).toBe(entries.length);
    expect(entries.filter(({ idText }) => !/^[1-9]\d{17,18}$/.test(idText) || BigInt(idText) >= 2n ** 63n)).toEqual([]);
    expect(entries.filter(({ task }) => !/^[1-9]\d{17,18}$/.test(task.taskId))).toEqual([]);
    expect(new Set(entries.map(({ task }) => task.taskId)).size).toBe(40);
  });

  it('has ids that contain the time of creation, near the first start, also after re-runs', () => {
    const entries = generateHistory(1, nowMs, { ...options, rerunShare: 1 });
    const ageOf = ({ idText, startTimeMs }: Entry): number => createdMsOf(idText) - startTimeMs;
    const first = firstRuns(entries);
    const tasks = hourlyTasks(entries);
    const hourly = first.filter(({ task }) => tasks.has(task)).map(ageOf);
    expect([Math.min(...hourly), Math.max(...hourly)]).toEqual([-4, 60]);
    expect(Math.min(...first.map(ageOf))).toBe(-4);
    expect(Math.max(...first.map(ageOf))).toBeLessThan(1_000);
    expect(entries.filter((entry) => ageOf(entry) < -60_000).length).toBeGreaterThan(50);
  });

  it('has some ids that are equal as JS numbers', () => {
    const ids = [...new Set(generateHistory(1, nowMs, { days: 30, tasks: 200 }).map(({ idText }) => idText))];
    const asNumbers = new Set(ids.map(Number)).size;
    expect(asNumbers).toBeLessThan(ids.length);
    expect(asNumbers).toBeGreaterThan(ids.length / 2);
    expect(ids.filter((idText) => String(Number(idText)) !== idText).length).toBeGreaterThan(ids.length / 2);
  });

  it('creates instances further from their start with creationSpreadMs', () => {
    const ages = firstRuns(generateHistory(1, nowMs, { ...options, creationSpreadMs: 5_000 })).map(
      ({ idText, startTimeMs }) => createdMsOf(idText) - startTimeMs,
    );
    expect(Math.min(...ages)).toBeLessThan(-4_000);
    expect(Math.max(...ages)).toBeGreaterThan(4_000);
  });

  it('has whole seconds as start and end times by default, and milliseconds if requested', () => {
    const times = (entries: readonly Entry[]): readonly number[] =>
      entries.flatMap(({ startTimeMs, states }) => [startTimeMs, ...states.map(({ endTimeMs }) => endTimeMs ?? 0)]);
    const isOff = (ms: number): boolean => ms % 1_000 !== 0;
    expect(times(generateHistory(1, nowMs, options)).filter(isOff)).toEqual([]);
    const fine = generateHistory(1, nowMs, { ...options, grain: 'millisecond' });
    expect(times(fine).filter(isOff).length).toBeGreaterThan(2_000);
    expect(fine.filter(({ startTimeMs }) => isOff(startTimeMs)).length).toBeGreaterThan(100);
  });

  it('ends no execution before its start', () => {
    const entries = generateHistory(2, nowMs, { days: 10 });
    const isEarly = ({ startTimeMs, states }: Entry): boolean =>
      states.some(({ endTimeMs }) => endTimeMs !== null && endTimeMs < startTimeMs);
    expect(entries.filter(isEarly)).toEqual([]);
  });

  it('starts most tasks at full hours, on the exact second', () => {
    const entries = generateHistory(1, nowMs, { days: 10 });
    expect(hourlyTasks(entries).size).toBe(34);
    const midnight = Math.floor(nowMs / dayMs) * dayMs;
    expect(entries.filter(({ startTimeMs }) => startTimeMs === midnight).length).toBeGreaterThanOrEqual(30);
  });

  it('has at most one unfinished instance of each task at any time, and skips few slots because of it', () => {
    const entries = generateHistory(4, nowMs, { days: 60, rerunShare: 0.5 });
    const together = [...Map.groupBy(entries, ({ task }) => task).values()].flatMap((runs) => {
      const inOrder = runs.toSorted((a, b) => a.startTimeMs - b.startTimeMs);
      return inOrder.filter((entry, index) => index > 0 && openUntil(inOrder[index - 1]!) > entry.startTimeMs);
    });
    expect(together).toEqual([]);
    const slots = 62 * (24 + 10 * 24 + 6 * 96);
    expect(firstRuns(entries).length).toBeGreaterThan(0.75 * slots);
    expect(firstRuns(entries).length).toBeLessThan(slots);
  });

  it('leaves no execution unfinished for more than a day', () => {
    const entries = generateHistory(1, nowMs, { days: 60 });
    const lifeMs = Math.max(...entries.map((entry) => openUntil(entry) - entry.startTimeMs));
    expect(lifeMs).toBeGreaterThanOrEqual(dayMs);
    expect(lifeMs).toBeLessThan(dayMs + 1_000);
    const agesMs = entries.map((entry) => openUntil(entry) - createdMsOf(entry.idText));
    expect(Math.max(...agesMs)).toBeLessThan(longestLifeMs);
  });

  it('has text beyond the BMP, every status, re-runs and late rows', () => {
    const entries = generateHistory(1, nowMs, { days: 30, tasks: 40 });
    expect(entries.some(({ task }) => /[\u{10000}-\u{10ffff}]/u.test(task.name))).toBe(true);
    expect(new Set(entries.flatMap(({ states }) => states.map(({ runStatus }) => runStatus)))).toEqual(
      new Set(['SUCCESS', 'FAILED', 'ALARMING', 'RUNNING', 'SUSPENDING', 'UNKNOWN']),
    );
    const farMs = nowMs + 30 * dayMs;
    expect(new Set(entries.map((entry) => stateAt(entry, farMs).notifyStatus))).toEqual(
      new Set(['NOT_TRIGGERED', 'SUCCESS', 'FAILED']),
    );
    expect(entries.some(({ goneBecause }) => goneBecause === 'rerun')).toBe(true);
    expect(entries.some(({ visibleAtMs, startTimeMs }) => visibleAtMs - startTimeMs > 120_000)).toBe(true);
  });

  it('removes an execution from the list when its next run starts', () => {
    const entries = generateHistory(1, nowMs, { days: 10, rerunShare: 1 });
    const rerun = entries.filter(({ goneBecause }) => goneBecause === 'rerun');
    const next = rerun.map((entry) => entries[entries.indexOf(entry) + 1]!);
    expect(rerun.length).toBeGreaterThan(50);
    expect(rerun.map(({ idText, goneAtMs }) => [idText, goneAtMs])).toEqual(
      next.map(({ idText, startTimeMs }) => [idText, startTimeMs]),
    );
  });
});

describe('a simulator with a history', () => {
  let clock: MovableClock;
  let simulator: Simulator;

  beforeEach(async () => {
    clock = frozenClock(nowMs);
    simulator = await startSimulator({ clock });
    return () => simulator.close();
  });

  it('lists each instance once at any time, and continues as time passes', () => {
    simulator.life.addHistory({ days: 3, aheadDays: 1, rerunShare: 1 });
    const sizes = [];
    for (let hour = 0; hour < 20; hour += 1) {
      const { executions } = simulator.truth();
      expect(new Set(executions.map(({ id }) => id)).size).toBe(executions.length);
      sizes.push(executions.length);
      clock.advance(hourMs);
    }
    expect(sizes.at(-1)).toBeGreaterThan((sizes[0] ?? 0) + 400);
    expect(simulator.truth().vanished.length).toBeGreaterThan(0);
  });
});
