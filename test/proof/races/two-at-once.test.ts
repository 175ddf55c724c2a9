/** Concurrent runs of one target, and runs that stall while others continue. Every write is audited. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { gapsIn, lengthOf } from '../../../functions/intervals.ts';
import { dayMs, hourMs, minuteMs, openProofWorld, type ProofWorld, type RunOptions } from '../proof-world.ts';
import { endQuietly } from '../quiet-end.ts';
import { stalledRun } from './stalled-run.ts';

async function worldOf(rows: number, seed = 1): Promise<ProofWorld> {
  const world = await openProofWorld({ seed });
  onTestFinished(() => world.close());
  const { simulator, clock } = world;
  simulator.life.addMany(rows, { fromMs: clock.now() - 10 * dayMs, toMs: clock.now() });
  // Runs commit every 100 seconds. Slow pages cause many commits, so that the commits of two runs conflict.
  simulator.traps.afterPage = () => clock.advance(20_000);
  return world;
}

const lastTenDays = ({ clock }: ProofWorld) => ({ fromMs: clock.now() - 10 * dayMs, toMs: clock.now() - hourMs });

describe('concurrent runs', () => {
  it.each([1, 2, 3])('two syncs fill the gap that a stopped backfill has left (seed %i)', async (seed) => {
    const world = await worldOf(5000, seed);
    const window = lastTenDays(world);
    await world.run();
    await world.run({ backfill: { window, again: false }, stopAtPage: 12 });
    world.clock.advance(2 * hourMs);
    const gaps = () => {
      const covered = world.auditor.checkpoint?.coverage ?? [];
      return gapsIn({ fromMs: covered[0]?.fromMs ?? 0, toMs: window.toMs }, covered);
    };
    expect(lengthOf(gaps())).toBeGreaterThan(dayMs);
    // A run ends after 50 pages, by this clock.
    for (let round = 0; round < 4; round += 1) {
      const runs = [world.run({ by: 'a', isJittery: true }), world.run({ by: 'b', isJittery: true })];
      expect((await Promise.all(runs)).map(({ error }) => error)).toEqual([undefined, undefined]);
    }
    expect(gaps()).toEqual([]);
    expect(await endQuietly(world)).toEqual([]);
  });

  it.each([1, 2, 3])('two backfills of one range read few rows twice (seed %i)', async (seed) => {
    const world = await worldOf(12_000, seed);
    const window = lastTenDays(world);
    const backfill = { window, again: false };
    const runs = [world.run({ by: 'a', backfill }), world.run({ by: 'b', backfill })];
    const summaries = await Promise.all(runs);
    expect(summaries.map(({ done }) => done)).toEqual([true, true]);
    expect(Math.min(...summaries.map(({ rowsWritten }) => rowsWritten))).toBeGreaterThan(2000);
    expect(world.auditor.rows).toBeLessThan(1.3 * 12_000);
    expect(await endQuietly(world, { covered: [window] })).toEqual([]);
  });
});

describe('a stalled run', () => {
  const kinds: readonly (readonly [string, (world: ProofWorld) => RunOptions])[] = [
    ['sync', () => ({})],
    ['backfill', (world) => ({ backfill: { window: lastTenDays(world), again: false } })],
    ['backfill that reads again', (world) => ({ backfill: { window: lastTenDays(world), again: true } })],
  ];
  const cases = kinds.flatMap(([name, make]) => [
    { name, make, before: 'data' as const },
    { name, make, before: 'checkpoint' as const },
  ]);
  it.each(cases)(
    'of kind $name that resumes hours later before it writes its $before undoes nothing',
    async ({ make, before }) => {
      const world = await worldOf(1500);
      const { simulator, clock, auditor } = world;
      const open = simulator.life.addExecution({ startTimeMs: clock.now() - 2 * hourMs, runStatus: 'RUNNING' });
      const doomed = simulator.life.addExecution({ startTimeMs: clock.now() - 2 * hourMs, runStatus: 'RUNNING' });
      const zombie = await stalledRun(world, before, make(world));
      await world.run({ by: 'successor' });
      clock.advance(2 * hourMs);
      simulator.life.finish(open.id, 'ALARMING');
      simulator.life.remove(doomed.id);
      simulator.life.addMany(50, { fromMs: clock.now() - hourMs, toMs: clock.now() - 30 * minuteMs });
      await world.run({ by: 'successor' });
      const written = auditor.commits;
      const woken = await zombie.wake();
      expect(woken.error).toBeUndefined();
      expect(auditor.commits).toBeGreaterThan(written);
      const mustShow = new Set([`${doomed.id}@${doomed.startTimeMs}`, `${open.id}@${open.startTimeMs}`]);
      expect(await endQuietly(world, { mustShow })).toEqual([]);
    },
  );
});
