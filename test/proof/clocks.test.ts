/** Regressions: sequences of runs on machines whose clocks are wrong, found by the model. */
import { expect, it, onTestFinished } from 'vitest';
import { hourMs, lookbackMs, minuteMs, openProofWorld, type ProofWorld, settleMs } from './proof-world.ts';
import { endQuietly } from './quiet-end.ts';

async function openWorld(): Promise<ProofWorld> {
  const world = await openProofWorld({ seed: 5 });
  onTestFinished(() => world.close());
  return world;
}

it('the later observation of two concurrent runs wins even if an earlier run had a clock that was ahead', async () => {
  const world = await openWorld();
  const { clock, simulator } = world;
  await world.run({ aheadMs: 8 * hourMs });
  simulator.life.addMany(5, { fromMs: clock.now() - hourMs, toMs: clock.now() - 30 * minuteMs });
  await world.run({
    backfill: { window: { fromMs: clock.now() - hourMs, toMs: clock.now() }, again: true },
    aheadMs: 8 * hourMs,
  });
  const { id } = simulator.life.addExecution({ runStatus: 'RUNNING', startTimeMs: clock.now() - 5 * minuteMs });
  const other = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  let isFirstPage = true;
  simulator.traps.beforePage = async () => {
    if (isFirstPage) {
      isFirstPage = false;
      isHeld.resolve();
      await other.promise;
    }
  };
  const held = world.run({ by: 'held' });
  await isHeld.promise;
  await world.run({ by: 'other' });
  clock.advance(1000);
  simulator.life.finish(id, 'ALARMING', clock.now());
  other.resolve();
  await held;
  clock.advance(minuteMs);
  simulator.life.setNotify(id, 'SUCCESS');
  expect(await endQuietly(world)).toEqual([]);
});

it("a machine whose clock is ahead covers no more than the next run's lookback can check for late rows", async () => {
  const world = await openWorld();
  await world.run({ aheadMs: 10 * minuteMs });
  world.clock.advance(1);
  world.simulator.life.addLate(settleMs + lookbackMs - 100);
  world.clock.advance(minuteMs);
  await world.run();
  expect(await endQuietly(world)).toEqual([]);
});
