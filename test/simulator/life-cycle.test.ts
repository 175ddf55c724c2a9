import { beforeEach, describe, expect, it } from 'vitest';
import { ask } from './ask.ts';
import { frozenClock, type MovableClock } from './movable-clock.ts';
import { type Simulator, startSimulator } from './server.ts';
import { createdMsOf } from './snowflake.ts';
import { unreadableKinds } from './unreadable.ts';

const nowMs = 1_790_000_000_000;
let clock: MovableClock;
let simulator: Simulator;

beforeEach(async () => {
  clock = frozenClock(nowMs);
  simulator = await startSimulator({ clock });
  return () => simulator.close();
});

/** Returns run status, notification status and end of the source's only execution. */
function only(): unknown {
  const { executions } = simulator.truth();
  expect(executions).toHaveLength(1);
  const { runStatus, notifyStatus, endTimeMs } = executions[0]!;
  return [runStatus, notifyStatus, endTimeMs];
}

describe('an execution', () => {
  it('changes its state over time', () => {
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

  it('drops its planned states once it is finished by hand', () => {
    const base = { runStatus: 'RUNNING', notifyStatus: 'NOT_TRIGGERED', endTimeMs: null };
    const planned = { ...base, atMs: nowMs + 5_000, runStatus: 'SUCCESS', endTimeMs: nowMs + 4_000 };
    const { id } = simulator.life.addExecution({ states: [{ ...base, atMs: nowMs }, planned] });
    clock.advance(1_000);
    simulator.life.finish(id, 'FAILED');
    clock.advance(9_000);
    expect(only()).toEqual(['FAILED', 'NOT_TRIGGERED', nowMs + 1_000]);
  });

  it('is listed from its start time', async () => {
    simulator.life.addExecution({ id: 1n, startTimeMs: nowMs + 1_000 });
    const before = (await ask(simulator)).ids;
    clock.advance(1_000);
    expect([before, (await ask(simulator)).ids]).toEqual([[], ['1']]);
  });

  it('can appear late with an older start, or early with a future start', async () => {
    simulator.life.addExecution({ id: 2n, startTimeMs: nowMs - 500 });
    simulator.life.addLate(60_000, { id: 1n });
    simulator.life.addFutureDated(60_000, { id: 3n });
    const answer = await ask(simulator);
    expect(answer.ids).toEqual(['3', '2', '1']);
    expect(answer.starts).toEqual([nowMs + 60_000, nowMs - 500, nowMs - 60_000]);
  });

  it('moves to a new start when it is run again, and the previous execution vanishes', () => {
    const first = simulator.life.addExecution({ id: 7n, startTimeMs: nowMs - 9_000, runStatus: 'FAILED' });
    const second = simulator.life.rerun(7n);
    const third = simulator.life.rerun(7n);
    const truth = simulator.truth();
    expect(second).toEqual({ id: 7n, startTimeMs: nowMs });
    expect(third).toEqual({ id: 7n, startTimeMs: nowMs + 1_000 });
    expect(truth.executions).toMatchObject([{ ...third, runStatus: 'RUNNING', endTimeMs: null }]);
    expect(truth.vanished).toMatchObject([
      { ...first, runStatus: 'FAILED', because: 'rerun', goneAtMs: nowMs },
      { ...second, because: 'rerun' },
    ]);
  });

  it('starts, ends and is run again on whole seconds unless a time is given', () => {
    clock.advance(12_345);
    const started = simulator.life.addExecution({ runStatus: 'RUNNING' });
    expect(started.startTimeMs).toBe(nowMs + 12_000);
    clock.advance(2_500);
    simulator.life.finish(started.id);
    expect(only()).toEqual(['SUCCESS', 'NOT_TRIGGERED', nowMs + 14_000]);
    clock.advance(3_000);
    expect(simulator.life.rerun(started.id).startTimeMs).toBe(nowMs + 17_000);
    expect(simulator.life.addExecution({ startTimeMs: nowMs + 777 }).startTimeMs).toBe(nowMs + 777);
  });

  it('does not end before a start within the same second', () => {
    clock.advance(900);
    const { id } = simulator.life.addExecution({ startTimeMs: nowMs + 700, runStatus: 'RUNNING' });
    simulator.life.finish(id);
    expect(only()).toEqual(['SUCCESS', 'NOT_TRIGGERED', nowMs + 700]);
  });

  it.each([
    [60_000, nowMs - 59_000],
    [400, nowMs],
    [100, nowMs],
    [600, nowMs],
  ])('that appears %i ms late starts on a whole second, never in the future', (agoMs, startTimeMs) => {
    clock.advance(500);
    expect(simulator.life.addLate(agoMs).startTimeMs).toBe(startTimeMs);
  });

  it('has an id that contains its time of creation, and keeps the id in a re-run', () => {
    const { id } = simulator.life.addExecution({ startTimeMs: nowMs - 3_600_000 });
    expect(createdMsOf(id) - (nowMs - 3_600_000)).toBeGreaterThanOrEqual(-4);
    expect(createdMsOf(id) - (nowMs - 3_600_000)).toBeLessThanOrEqual(60);
    expect(simulator.life.rerun(id)).toEqual({ id, startTimeMs: nowMs });
  });

  it('vanishes when it is removed, and cannot be changed any more', () => {
    simulator.life.addExecution({ id: 7n });
    simulator.life.remove(7n);
    expect(simulator.truth()).toMatchObject({ executions: [], vanished: [{ id: 7n, because: 'removed' }] });
    expect(() => simulator.life.finish(7n)).toThrow('lists no instance 7');
  });

  it('does not reappear after a removal although a later run was planned', () => {
    simulator.life.addExecution({ id: 7n });
    simulator.life.addExecution({ id: 7n, startTimeMs: nowMs + 1_000 });
    simulator.life.remove(7n);
    clock.advance(2_000);
    expect(simulator.truth().executions).toEqual([]);
  });
});

describe('truth', () => {
  it('is returned for a half-open span of start times', () => {
    for (const id of [1, 2, 3]) {
      simulator.life.addExecution({ id: BigInt(id), startTimeMs: nowMs - 10 + id });
    }
    simulator.life.addUnreadable('id-missing', { startTimeMs: nowMs - 9 });
    simulator.life.addUnreadable('id-text', { startTimeMs: nowMs - 7 });
    const truth = simulator.truth(undefined, { fromMs: nowMs - 9, toMs: nowMs - 7 });
    expect(truth.executions.map(({ id }) => id)).toEqual([1n, 2n]);
    expect(truth.unreadable).toHaveLength(1);
  });

  it('lists unreadable rows separately, copies included, while pages contain them among the others', async () => {
    simulator.life.addExecution({ id: 1n });
    const texts = unreadableKinds.map((kind) => simulator.life.addUnreadable(kind));
    const twice = simulator.life.addUnreadable({ text: '{"id":[]}' }, { copies: 2 });
    const answer = await ask(simulator, { limit: 100 });
    expect(simulator.truth().unreadable.toSorted()).toEqual([...texts, twice, twice].sort());
    expect(answer.count).toBe(unreadableKinds.length + 3);
    expect(JSON.parse(answer.text).resources).toHaveLength(unreadableKinds.length + 3);
  });
});
