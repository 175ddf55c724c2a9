import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from './ask.ts';
import { generateHistory } from './history.ts';
import { frozenClock, type MovableClock } from './movable-clock.ts';
import { type Simulator, startSimulator } from './server.ts';
import { stateAt } from './timeline.ts';
import { unreadableKinds } from './unreadable.ts';

const nowMs = 1_790_000_000_000;
let clock: MovableClock;
let simulator: Simulator;

beforeEach(async () => {
  clock = frozenClock(nowMs);
  simulator = await startSimulator({ clock });
});

afterEach(async () => {
  await simulator.close();
});

/** What the source says about its only row. */
function only(): unknown {
  const { executions } = simulator.truth();
  expect(executions).toHaveLength(1);
  const { runStatus, notifyStatus, endTimeMs } = executions[0]!;
  return [runStatus, notifyStatus, endTimeMs];
}

describe('an execution', () => {
  it('lives through its states as time passes', () => {
    const base = { runStatus: 'RUNNING', notifyStatus: 'NOT_TRIGGERED', endTimeMs: null };
    const endTimeMs = nowMs + 4_000;
    simulator.life.addExecution({
      states: [
        { ...base, atMs: nowMs },
        { ...base, atMs: nowMs + 5_000, runStatus: 'FAILED', endTimeMs },
        { ...base, atMs: nowMs + 9_000, runStatus: 'FAILED', endTimeMs, notifyStatus: 'SUCCESS' },
      ],
    });
    const seen = [only()];
    for (const ms of [4_999, 1, 4_000]) {
      clock.advance(ms);
      seen.push(only());
    }
    expect(seen).toEqual([
      ['RUNNING', 'NOT_TRIGGERED', null],
      ['RUNNING', 'NOT_TRIGGERED', null],
      ['FAILED', 'NOT_TRIGGERED', endTimeMs],
      ['FAILED', 'SUCCESS', endTimeMs],
    ]);
  });

  it('is finished and notified by hand', () => {
    const { id } = simulator.life.addExecution({ runStatus: 'RUNNING' });
    clock.advance(3_000);
    simulator.life.finish(id, 'ALARMING');
    simulator.life.setNotify(id, 'FAILED');
    expect(only()).toEqual(['ALARMING', 'FAILED', nowMs + 3_000]);
  });

  it('forgets what was still to happen once it is finished by hand', () => {
    const base = { runStatus: 'RUNNING', notifyStatus: 'NOT_TRIGGERED', endTimeMs: null };
    const planned = { ...base, atMs: nowMs + 5_000, runStatus: 'SUCCESS', endTimeMs: nowMs + 4_000 };
    const { id } = simulator.life.addExecution({ states: [{ ...base, atMs: nowMs }, planned] });
    clock.advance(1_000);
    simulator.life.finish(id, 'FAILED');
    clock.advance(9_000);
    expect(only()).toEqual(['FAILED', 'NOT_TRIGGERED', nowMs + 1_000]);
  });

  it('is listed when its time comes', async () => {
    simulator.life.addExecution({ id: 1n, startTimeMs: nowMs + 1_000 });
    const before = (await ask(simulator)).ids;
    clock.advance(1_000);
    expect([before, (await ask(simulator)).ids]).toEqual([[], ['1']]);
  });

  it('comes late with an older start, or too early with a future one', async () => {
    simulator.life.addExecution({ id: 2n, startTimeMs: nowMs - 500 });
    simulator.life.addLate(60_000, { id: 1n });
    simulator.life.addFutureDated(60_000, { id: 3n });
    const answer = await ask(simulator);
    expect(answer.ids).toEqual(['1', '2', '3']);
    expect(answer.starts).toEqual([nowMs - 60_000, nowMs - 500, nowMs + 60_000]);
  });

  it('moves to a new start when it is run again, and the one before is gone', () => {
    const first = simulator.life.addExecution({ id: 7n, startTimeMs: nowMs - 9_000, runStatus: 'FAILED' });
    const second = simulator.life.rerun(7n);
    const third = simulator.life.rerun(7n);
    const truth = simulator.truth();
    expect(second).toEqual({ id: 7n, startTimeMs: nowMs });
    expect(third).toEqual({ id: 7n, startTimeMs: nowMs + 1 });
    expect(truth.executions).toMatchObject([{ ...third, runStatus: 'RUNNING', endTimeMs: null }]);
    expect(truth.vanished).toMatchObject([
      { ...first, runStatus: 'FAILED', because: 'rerun', goneAtMs: nowMs },
      { ...second, because: 'rerun' },
    ]);
  });

  it('is gone when it is removed, and cannot be changed any more', () => {
    simulator.life.addExecution({ id: 7n });
    simulator.life.remove(7n);
    expect(simulator.truth()).toMatchObject({ executions: [], vanished: [{ id: 7n, because: 'removed' }] });
    expect(() => simulator.life.finish(7n)).toThrow('lists no instance 7');
  });

  it('does not come back after a removal, though a later run was planned', () => {
    simulator.life.addExecution({ id: 7n });
    simulator.life.addExecution({ id: 7n, startTimeMs: nowMs + 1_000 });
    simulator.life.remove(7n);
    clock.advance(2_000);
    expect(simulator.truth().executions).toEqual([]);
  });
});

describe('truth', () => {
  it('is told for a span, half open', () => {
    for (const id of [1, 2, 3]) {
      simulator.life.addExecution({ id: BigInt(id), startTimeMs: nowMs - 10 + id });
    }
    simulator.life.addUnreadable('id-missing', { startTimeMs: nowMs - 9 });
    simulator.life.addUnreadable('id-text', { startTimeMs: nowMs - 7 });
    const truth = simulator.truth(undefined, { fromMs: nowMs - 9, toMs: nowMs - 7 });
    expect(truth.executions.map(({ id }) => id)).toEqual([1n, 2n]);
    expect(truth.unreadable).toHaveLength(1);
  });

  it('keeps unreadable rows apart, copies included, and serves them among the others', async () => {
    simulator.life.addExecution({ id: 1n });
    const texts = unreadableKinds.map((kind) => simulator.life.addUnreadable(kind));
    const twice = simulator.life.addUnreadable({ text: '{"id":[]}' }, { copies: 2 });
    const answer = await ask(simulator, { limit: 100 });
    expect(simulator.truth().unreadable).toEqual([...texts, twice, twice]);
    expect(answer.count).toBe(unreadableKinds.length + 3);
    expect(JSON.parse(answer.text).resources).toHaveLength(unreadableKinds.length + 3);
  });
});

describe('history', () => {
  const options = { days: 3, tasks: 40 };

  it('is the same for the same seed, and another for another', () => {
    const histories = [generateHistory(5, nowMs, options), generateHistory(5, nowMs, options)];
    expect(histories[0]).toEqual(histories[1]);
    expect(generateHistory(6, nowMs, options)).not.toEqual(histories[0]);
  });

  it('has 19-digit ids within 64 bits, each start unique to its id', () => {
    const entries = generateHistory(1, nowMs, options);
    const keys = new Set(entries.map(({ idText, startTimeMs }) => `${idText}@${startTimeMs}`));
    expect(entries.length).toBeGreaterThan(3_000);
    expect(keys.size).toBe(entries.length);
    expect(entries.filter(({ idText }) => !/^[1-9]\d{18}$/.test(idText) || BigInt(idText) >= 2n ** 63n)).toEqual([]);
    expect(entries.filter(({ task }) => BigInt(task.taskId) >= 2n ** 63n)).toEqual([]);
  });

  it('has bursts in one millisecond, text beyond the BMP, every status, re-runs and late rows', () => {
    const entries = generateHistory(1, nowMs, { days: 30, tasks: 40 });
    const midnight = Math.floor(nowMs / 86_400_000) * 86_400_000;
    expect(entries.filter(({ startTimeMs }) => startTimeMs === midnight).length).toBeGreaterThanOrEqual(24);
    expect(entries.some(({ task }) => /[\u{10000}-\u{10ffff}]/u.test(task.name))).toBe(true);
    const farMs = nowMs + 30 * 86_400_000;
    expect(new Set(entries.map((entry) => stateAt(entry, farMs).runStatus))).toEqual(
      new Set(['SUCCESS', 'FAILED', 'ALARMING', 'RUNNING', 'SUSPENDING', 'UNKNOWN']),
    );
    expect(new Set(entries.map((entry) => stateAt(entry, farMs).notifyStatus))).toEqual(
      new Set(['NOT_TRIGGERED', 'SUCCESS', 'FAILED']),
    );
    expect(entries.some(({ goneBecause }) => goneBecause === 'rerun')).toBe(true);
    expect(entries.some(({ visibleAtMs, startTimeMs }) => visibleAtMs - startTimeMs > 120_000)).toBe(true);
  });

  it('takes an execution off the list when its next run starts', () => {
    const entries = generateHistory(1, nowMs, { days: 10, rerunShare: 1 });
    const rerun = entries.filter(({ goneBecause }) => goneBecause === 'rerun');
    const next = rerun.map((entry) => entries[entries.indexOf(entry) + 1]!);
    expect(rerun.length).toBeGreaterThan(50);
    expect(rerun.map(({ idText, goneAtMs }) => [idText, goneAtMs])).toEqual(
      next.map(({ idText, startTimeMs }) => [idText, startTimeMs]),
    );
  });

  it('lists each instance once at any time, and goes on as time passes', () => {
    simulator.life.addHistory({ days: 3, aheadDays: 1, rerunShare: 1 });
    const sizes = [];
    for (let hour = 0; hour < 20; hour += 1) {
      const { executions } = simulator.truth();
      expect(new Set(executions.map(({ id }) => id)).size).toBe(executions.length);
      sizes.push(executions.length);
      clock.advance(3_600_000);
    }
    expect(sizes.at(-1)).toBeGreaterThan((sizes[0] ?? 0) + 500);
    expect(simulator.truth().vanished.length).toBeGreaterThan(0);
  });
});
