/** Stalls a run in the middle until it is resumed, like a process whose machine sleeps. */
import type { Summary } from '../../../functions/sync/summary.ts';
import { checkpointKey } from '../../../functions/warehouse/layout.ts';
import type { StoreCall, StoreFate } from '../../support/failing-store.ts';
import { type ProofWorld, type RunOptions, target } from '../proof-world.ts';

/** The kind of write before which a run stalls. */
export type StallsBefore = 'data' | 'checkpoint';

/** A run that has stalled. */
export interface StalledRun {
  /** Resumes the run and waits for its end. */
  wake(): Promise<Summary>;
}

/** Starts a run and waits until it stalls before its first write of data, or of the checkpoint. */
export async function stalledRun(
  world: ProofWorld,
  before: StallsBefore,
  options: RunOptions = {},
): Promise<StalledRun> {
  const stalled = Promise.withResolvers<void>();
  const woken = Promise.withResolvers<void>();
  const summary = world.run({
    ...options,
    by: 'zombie',
    fate: async (call): Promise<StoreFate> => {
      if (isWriteOf(call, before)) {
        stalled.resolve();
        await woken.promise;
      }
      return 'ok';
    },
  });
  await Promise.race([stalled.promise, summary.then(failEarly)]);
  return {
    wake: async () => {
      woken.resolve();
      return await summary;
    },
  };
}

function isWriteOf({ method, key }: StoreCall, before: StallsBefore): boolean {
  return method !== 'get' && (key === checkpointKey(target)) === (before === 'checkpoint');
}

function failEarly(summary: Summary): never {
  throw new Error(`the run ended before it stalled: ${JSON.stringify(summary)}`);
}
