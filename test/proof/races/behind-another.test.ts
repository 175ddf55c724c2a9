/** Two concurrent syncs. The one that commits second continues after the coverage of the first. */
import { expect, it, onTestFinished } from 'vitest';
import { dayMs, hourMs, lookbackMs, minuteMs, openProofWorld, settleMs } from '../proof-world.ts';
import { endQuietly } from '../quiet-end.ts';

it("a run that continues after another run's coverage reads the lookback before it again", async () => {
  const world = await openProofWorld({ seed: 9 });
  onTestFinished(() => world.close());
  const { clock, simulator } = world;
  const untilMs = clock.now() - settleMs;
  simulator.life.addMany(4_000, { fromMs: clock.now() - 2 * dayMs, toMs: clock.now() - hourMs });
  const begun: { readonly go: () => void }[] = [];
  const areHeld = Promise.withResolvers<void>();
  simulator.traps.beforePage = async () => {
    if (begun.length < 2) {
      const held = Promise.withResolvers<void>();
      begun.push({ go: held.resolve });
      if (begun.length === 2) {
        areHeld.resolve();
      }
      await held.promise;
    }
  };
  const first = world.run({ by: 'first' });
  await expect.poll(() => begun.length).toBe(1);
  clock.advance(minuteMs);
  const second = world.run({ by: 'second' });
  await areHeld.promise;
  begun[0]?.go();
  expect(await first).toMatchObject({ done: true, watermark: new Date(untilMs).toISOString() });
  const { id, startTimeMs } = simulator.life.addLate(lookbackMs / 2);
  expect(startTimeMs).toBeLessThan(untilMs);
  begun[1]?.go();
  expect(await second).toMatchObject({ done: true });
  expect(world.auditor.view().map(({ key }) => key)).toContain(`${id}@${startTimeMs}`);
  expect(await endQuietly(world)).toEqual([]);
});
