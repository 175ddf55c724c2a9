/** The rows of the fault tables, and the check of one row. */
import { expect, onTestFinished } from 'vitest';
import type { Exchange, Greeting, ProxyFault } from '../../support/fault-proxy.ts';
import { noDifferences } from '../../support/view-check.ts';
import { type FaultWorld, openFaultWorld } from './fault-world.ts';

/** A fault that makes the run fail, as reported to an operator. */
export interface Failure {
  readonly kind: string;
  readonly code?: RegExp;
  readonly message?: RegExp;
  readonly remedy: RegExp;
  readonly retryable?: boolean;
}

/** One row of a table of faults. */
export interface FaultCase {
  readonly what: string;
  /** The fault of each exchange. Default: none. */
  readonly decide?: (exchange: Exchange) => ProxyFault | null;
  /** The fault of each connection before its first exchange. Default: none. */
  readonly greeting?: Greeting;
  readonly next?: Partial<FaultWorld['next']>;
  readonly sourceSkewMs?: number;
  /** `recovers`: the run succeeds in spite of the fault. */
  readonly outcome: 'recovers' | Failure;
  readonly secret?: object | undefined;
}

/** Injects `fault` into the exchanges whose number `applies`, counted from 1 over those that match `isConcerned`. */
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

/** Picks the second exchange and every third one after it. */
export const nowAndThen = (n: number): boolean => n % 3 === 2;

/**
 * Syncs with the fault, then without it. Expects the row's outcome of the first sync, and that the view equals the
 * source in the end. Faults of storage hit the second sync of a world, which has a checkpoint to read.
 */
export async function expectOutcome(side: 'source' | 'storage', row: FaultCase): Promise<void> {
  const { outcome, secret } = row;
  const world = await openFaultWorld(secret);
  onTestFinished(() => world.close());
  if (side === 'storage') {
    expect((await world.sync()).error).toBeUndefined();
    world.clock.advance(3_600_000);
    world.simulator.life.addExecution({ startTimeMs: world.clock.now() - 60_000 });
    world.simulator.life.addExecution({ startTimeMs: world.clock.now() - 50_000, runStatus: 'RUNNING' });
  }
  world[side].decide = row.decide ?? (() => null);
  world[side].greeting = row.greeting ?? 'none';
  Object.assign(world.next, row.next);
  world.simulator.traps.dateSkewMs = row.sourceSkewMs ?? 0;
  const summary = await world.sync();
  if (outcome === 'recovers') {
    expect(summary.error).toBeUndefined();
    expect(summary.done).toBe(true);
    expect(await world.differences()).toEqual(noDifferences);
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
  expect(await world.differences()).toEqual(noDifferences);
}
