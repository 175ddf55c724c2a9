/** Rows of the tables of faults, and what is expected of each. */
import { expect, onTestFinished } from 'vitest';
import type { Exchange, ProxyFault } from '../../support/fault-proxy.ts';
import { type FaultWorld, openFaultWorld } from './fault-world.ts';

/** A fault that makes the run fail, as reported to an operator. */
export interface Failure {
  readonly kind: string;
  readonly code?: RegExp;
  readonly message?: RegExp;
  readonly remedy: RegExp;
  readonly retryable?: boolean;
}

/** One row. */
export interface FaultCase {
  readonly what: string;
  readonly arrange: (world: FaultWorld) => void;
  /** `recovers`: the run gets over it. */
  readonly outcome: 'recovers' | Failure;
  readonly secret?: object;
  /** After a run without a fault, so that there is something to read. */
  readonly warm?: boolean;
}

/** Spoils the exchanges that `applies` picks; counted from 1 over those that `isConcerned`. */
export function spoil(
  fault: ProxyFault,
  applies: (n: number) => boolean = () => true,
  isConcerned: (exchange: Exchange) => boolean = () => true,
): (exchange: Exchange) => ProxyFault | null {
  let n = 0;
  return (exchange) => {
    if (!isConcerned(exchange)) {
      return null;
    }
    n += 1;
    return applies(n) ? fault : null;
  };
}

/** Now and then: the second exchange, and every third after it. */
export const nowAndThen = (n: number): boolean => n % 3 === 2;

/** Runs with the fault, then without it: the outcome is as told, and in the end the view is the truth. */
export async function expectOutcome({ arrange, outcome, secret, warm = false }: FaultCase): Promise<void> {
  const world = await openFaultWorld(secret);
  onTestFinished(() => world.close());
  if (warm) {
    expect((await world.sync()).error).toBeUndefined();
    world.clock.advance(3_600_000);
    world.simulator.life.addExecution({ startTimeMs: world.clock.now() - 60_000 });
    world.simulator.life.addExecution({ startTimeMs: world.clock.now() - 50_000, runStatus: 'RUNNING' });
  }
  arrange(world);
  const summary = await world.sync();
  if (outcome === 'recovers') {
    expect(summary.error).toBeUndefined();
    expect(summary.done).toBe(true);
    expect(await world.differences()).toEqual(noDifference);
  } else {
    const { code, message, remedy, ...plain } = outcome;
    expect(summary.error).toMatchObject({
      ...plain,
      remedy: expect.stringMatching(remedy),
      message: expect.stringMatching(message ?? /\S{3}/),
      ...(code === undefined ? {} : { code: expect.stringMatching(code) }),
    });
  }
  world.lift();
  world.clock.advance(20 * 60_000);
  world.simulator.life.addExecution({ startTimeMs: world.clock.now() - 60_000 });
  const after = await world.sync();
  expect(after.error).toBeUndefined();
  expect(after.done).toBe(true);
  expect(await world.differences()).toEqual(noDifference);
}

const noDifference = { lost: [], wrong: [], shownTwice: [], invented: [] };
