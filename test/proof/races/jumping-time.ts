/**
 * Moves a clock and all timers to the next wake-up whenever this process waits for nothing but time. How busy the machine
 * is makes no difference.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Transform } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { vi } from 'vitest';
import type { Clock } from '../../../functions/clock.ts';
import type { MovableClock } from '../../simulator/movable-clock.ts';
import { underFakeTimers } from '../faults/flying-time.ts';

/** Turns of the event loop after which everything that a reply sets off has been done or waits. */
const quietTurns = 5;
/** Longest jump, so that little time is wrong if something did not wait after all. */
const longestMs = 10_000;

/** A clock whose sleepers can be asked for. */
export interface JumpingClock extends Clock {
  /** Time until the first sleeper wakes up. */
  nextMs(): number;
  /** Wakes the sleepers whose time has come. */
  wake(): void;
}

/** Makes the clock of everything that runs, from the clock of the source. */
export function jumpingClock(clock: MovableClock): JumpingClock {
  const sleepers = new Map<() => void, number>();
  return {
    now: () => clock.now(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const wake = (): void => {
          sleepers.delete(wake);
          signal?.removeEventListener('abort', abort);
          resolve();
        };
        const abort = (): void => {
          sleepers.delete(wake);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', abort, { once: true });
        sleepers.set(wake, Math.ceil(clock.now() + ms));
      }),
    nextMs: () => Math.min(longestMs, ...[...sleepers.values()].map((atMs) => atMs - clock.now())),
    wake: () => {
      for (const [wake, atMs] of sleepers) {
        if (atMs <= clock.now()) {
          wake();
        }
      }
    },
  };
}

/** Awaits `work`. */
export async function whileTimeJumps<T>(source: MovableClock, clock: JumpingClock, work: () => Promise<T>): Promise<T> {
  const inFlight = requestsInFlight();
  const compressions = compressionsInThreadPool();
  try {
    return await underFakeTimers(work, async () => {
      for (let turn = 0; turn < quietTurns; turn += 1) {
        await nextTurn();
        if (inFlight.requests.size > 0 || compressions.count() > 0 || isReadingFile()) {
          return;
        }
      }
      const ms = Math.max(1, clock.nextMs());
      source.advance(ms);
      vi.advanceTimersByTime(ms);
      clock.wake();
    });
  } finally {
    inFlight.close();
    compressions.close();
  }
}

function isReadingFile(): boolean {
  return process.getActiveResourcesInfo().some((resource) => /^(FSReq|CloseReq|FileHandle)/.test(resource));
}

/** Follows which requests of undici have no complete reply yet. */
function requestsInFlight(): { readonly requests: ReadonlySet<unknown>; close(): void } {
  const requests = new Set<unknown>();
  const begin = (message: unknown): void => void requests.add(requestOf(message));
  const end = (message: unknown): void => void requests.delete(requestOf(message));
  subscribe('undici:request:create', begin);
  subscribe('undici:request:trailers', end);
  subscribe('undici:request:error', end);
  return {
    requests,
    close: () => {
      unsubscribe('undici:request:create', begin);
      unsubscribe('undici:request:trailers', end);
      unsubscribe('undici:request:error', end);
    },
  };
}

/** Counts calls of gzip that have not ended. They are in no list of active resources. */
function compressionsInThreadPool(): { count(): number; close(): void } {
  const prototype: Transform = Object.getPrototypeOf(createGzip());
  const { _transform: compress } = prototype;
  let running = 0;
  prototype._transform = function (this: Transform, chunk, encoding, done) {
    running += 1;
    compress.call(this, chunk, encoding, (...result) => {
      running -= 1;
      done(...result);
    });
  };
  return {
    count: () => running,
    close: () => {
      prototype._transform = compress;
    },
  };
}

function requestOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'request' in message ? message.request : null;
}
