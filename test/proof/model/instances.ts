/** Starts and changes the instances of a modelled source. */
import type { ExecutionKey } from '../../simulator/life-cycle.ts';
import { lookbackMs, type ProofWorld, settleMs } from '../proof-world.ts';
import type { Action } from './actions.ts';

/** What the model knows of an instance. */
export interface Instance {
  readonly id: bigint;
  readonly startTimeMs: number;
  endedAtMs: number | null;
  isGone: boolean;
}

/** A world and its instances. */
export interface Inhabited {
  readonly world: ProofWorld;
  /** All instances, including those that the source does not list any more. */
  readonly instances: Instance[];
}

/** Starts executions, which are listed from now on. */
export function startExecutions({ world, instances }: Inhabited, action: Extract<Action, { do: 'start' }>): void {
  const latestMs = Math.floor(action.late * (settleMs + lookbackMs));
  for (let index = 0; index < action.count; index += 1) {
    const spreadMs = Math.min(action.spreadMs, settleMs + lookbackMs - latestMs);
    const agoMs = latestMs + Math.floor((index * spreadMs) / action.count);
    const { id, startTimeMs } = world.simulator.life.addLate(agoMs, {
      runStatus: action.status,
      ...(action.status === 'PAUSED' ? { endTimeMs: null } : {}),
    });
    const isEnded = !['RUNNING', 'SUSPENDING', 'PAUSED'].includes(action.status);
    instances.push({
      id,
      startTimeMs,
      endedAtMs: isEnded ? startTimeMs + 5000 : null,
      isGone: false,
    });
  }
}

/** Applies the action to one of the instances that allow it, if there is one. */
export function changeOne({ world, instances }: Inhabited, action: Extract<Action, { pick: number }>): void {
  const { life } = world.simulator;
  const nowMs = world.clock.now();
  const isListed = ({ id, startTimeMs }: ExecutionKey): boolean => {
    const { executions } = world.simulator.truth(undefined, { fromMs: startTimeMs, toMs: startTimeMs + 1 });
    return executions.some((execution) => execution.id === id);
  };
  const able = instances.filter(
    (instance) =>
      !instance.isGone &&
      (action.do !== 'finish' || instance.endedAtMs === null) &&
      (action.do !== 'notify' || mayNotify(instance, nowMs)) &&
      isListed(instance),
  );
  const one = able[action.pick % Math.max(1, able.length)];
  if (one === undefined) {
    return;
  }
  if (action.do === 'finish') {
    // A re-run starts at the next whole second, and cannot end before that.
    const endedAtMs = Math.max(nowMs, one.startTimeMs);
    life.finish(one.id, action.status, endedAtMs);
    one.endedAtMs = endedAtMs;
  } else if (action.do === 'notify') {
    life.setNotify(one.id, action.status);
  } else if (action.do === 'rerun') {
    one.isGone = true;
    instances.push({ ...life.rerun(one.id), endedAtMs: null, isGone: false });
  } else {
    one.isGone = true;
    life.remove(one.id);
  }
}

/** Whether a notification may be sent: within the lookback after the end. */
function mayNotify({ endedAtMs }: Instance, nowMs: number): boolean {
  return endedAtMs !== null && nowMs - endedAtMs < lookbackMs;
}
