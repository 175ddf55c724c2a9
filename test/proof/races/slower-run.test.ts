/** Two concurrent syncs. The first one to begin is slower, and sees an execution later than the one that went further. */
import { expect, it, onTestFinished } from 'vitest';
import { lookbackMs, minuteMs, openProofWorld, settleMs } from '../proof-world.ts';
import { endQuietly } from '../quiet-end.ts';

it('a slower run does not stop following a notification that the next run will not read again', async () => {
  const world = await openProofWorld({ seed: 9 });
  onTestFinished(() => world.close());
  const { clock, simulator } = world;
  const startTimeMs = clock.now() - 10 * minuteMs;
  const { id } = simulator.life.addExecution({ runStatus: 'RUNNING', startTimeMs, endTimeMs: null });
  expect(await world.run()).toMatchObject({ done: true, openExecutions: 1 });

  // The lookback after the slower run begins before this execution, the one after the faster run begins after it.
  clock.advance(startTimeMs + settleMs + lookbackMs - minuteMs / 2 - clock.now());
  simulator.life.finish(id, 'ALARMING');
  const held = Promise.withResolvers<void>();
  let pages = 0;
  simulator.traps.beforePage = async () => {
    pages += 1;
    await (pages === 1 ? held.promise : undefined);
  };
  const slower = world.run({ by: 'slower' });
  await expect.poll(() => pages).toBe(1);
  clock.advance(minuteMs);
  expect(await world.run({ by: 'faster' })).toMatchObject({ done: true, rowsWritten: 1 });
  clock.advance(minuteMs);
  held.resolve();
  expect(await slower).toMatchObject({ done: true });

  simulator.life.setNotify(id, 'SUCCESS');
  expect(await endQuietly(world)).toEqual([]);
});
