/**
 * If S3 hangs or fails, a run ends within its time limit, each target gets its share, and the next run repairs the
 * rest.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { StoppedError } from '../../../functions/errors.ts';
import type { Summary } from '../../../functions/sync/summary.ts';
import { type Exchange, type ProxyFault, s3Error } from '../../support/fault-proxy.ts';
import { noDifferences } from '../../support/view-check.ts';
import { type FaultWorld, openFaultWorld } from './fault-world.ts';
import { whileTimeFlies } from './flying-time.ts';

const secondMs = 1_000;
const silence: ProxyFault = { kind: 'black-hole' };

const isPut = ({ method }: Exchange): boolean => method === 'PUT';
const isCheckpoint = ({ path }: Exchange): boolean => path.includes('checkpoint.json');
const isData = ({ path }: Exchange): boolean => path.includes('.parquet');

/** Opens a world in which each target has synced once and there are new executions. */
async function warmWorld(targets: readonly string[] = ['sales']): Promise<FaultWorld> {
  const world = await openFaultWorld();
  onTestFinished(() => world.close());
  world.next = { ...world.next, targets, socketMs: 15 * secondMs };
  for (const summary of await world.syncAll()) {
    expect(summary.error).toBeUndefined();
  }
  world.clock.advance(3_600_000);
  world.simulator.life.addExecution({ startTimeMs: world.clock.now() - 60_000 });
  world.simulator.life.addExecution({ startTimeMs: world.clock.now() - 50_000, runStatus: 'RUNNING' });
  world.next.isFlying = true;
  return world;
}

/** Syncs in sped-up time. */
async function timedSync(world: FaultWorld): Promise<{ summaries: Summary[]; tookMs: number }> {
  const beginMs = world.clock.now();
  const summaries = await whileTimeFlies(world.clock, () => world.syncAll());
  return { summaries, tookMs: world.clock.now() - beginMs };
}

async function expectRepaired(world: FaultWorld): Promise<void> {
  const { targets } = world.next;
  world.lift();
  world.next.targets = targets;
  for (const summary of await world.syncAll()) {
    expect(summary).toMatchObject({ done: true });
    expect(summary.error).toBeUndefined();
  }
  expect(await world.differences()).toEqual(noDifferences);
}

const brokenStores: readonly [string, (exchange: Exchange) => ProxyFault | null][] = [
  ['never replies to a write of the checkpoint', (to) => (isPut(to) && isCheckpoint(to) ? silence : null)],
  ['never replies to a write of data', (to) => (isPut(to) && isData(to) ? silence : null)],
  [
    'returns 409 for every write of the checkpoint',
    (to) => (isPut(to) && isCheckpoint(to) ? s3Error(409, 'ConditionalRequestConflict') : null),
  ],
  ['never replies to a read of the checkpoint', (to) => (isCheckpoint(to) && !isPut(to) ? silence : null)],
  ['never replies', () => silence],
  [
    'sends the checkpoint in slow pieces',
    (to) => (isCheckpoint(to) && !isPut(to) ? { kind: 'drip', bytes: 100, ms: 1_000 } : null),
  ],
];

describe('a run of 20 s whose S3', () => {
  it.for(brokenStores)('%s fails within 25 s, and the next run repairs it', async ([, decide]) => {
    const world = await warmWorld();
    world.next.limitMs = 20 * secondMs;
    world.storage.decide = decide;
    const { summaries, tookMs } = await timedSync(world);
    expect(summaries).toMatchObject([{ done: false, error: { kind: 'storage', retryable: true } }]);
    expect(tookMs).toBeLessThan(25 * secondMs);
    await expectRepaired(world);
  });

  it("never replies to the first target's writes leaves the second target its share of the time", async () => {
    const world = await warmWorld(['sales', 'returns']);
    world.next.limitMs = 20 * secondMs;
    world.storage.decide = (to) => (isPut(to) && to.path.includes('state/sales/') ? silence : null);
    const { summaries, tookMs } = await timedSync(world);
    expect(summaries).toMatchObject([
      { target: 'sales', error: { kind: 'storage' } },
      { target: 'returns', done: true },
    ]);
    expect(tookMs).toBeLessThan(20 * secondMs);
    await expectRepaired(world);
  });
});

describe('a run without a time limit', () => {
  it('stops writing a checkpoint that gets no reply after a few attempts', async () => {
    const world = await warmWorld();
    world.next.limitMs = Number.POSITIVE_INFINITY;
    world.storage.decide = (to) => (isPut(to) && isCheckpoint(to) ? silence : null);
    const { summaries, tookMs } = await timedSync(world);
    const message = expect.stringMatching(/cannot write .*checkpoint\.json: .* in time \(4 attempts\)$/);
    expect(summaries).toMatchObject([{ error: { kind: 'storage', code: 'ETIMEDOUT', message } }]);
    expect(tookMs).toBeLessThan(200 * secondMs);
    await expectRepaired(world);
  });

  it('ends within 20 s of Ctrl-C, and starts no other target', async () => {
    const world = await warmWorld(['sales', 'returns']);
    const stop = new AbortController();
    let stoppedAtMs = Number.NaN;
    world.next = { ...world.next, limitMs: Number.POSITIVE_INFINITY, stop: stop.signal };
    world.storage.decide = (to) => {
      if (isPut(to) && isCheckpoint(to) && !stop.signal.aborted) {
        stoppedAtMs = world.clock.now();
        stop.abort(new StoppedError('interrupted', { remedy: 'Run again.' }));
      }
      return isPut(to) && isCheckpoint(to) ? silence : null;
    };
    const { summaries } = await timedSync(world);
    expect(world.clock.now() - stoppedAtMs).toBeLessThan(20 * secondMs);
    expect(summaries).toMatchObject([{ error: { kind: 'storage' } }, { target: 'returns', done: false, requests: 0 }]);
    expect(world.logged).toContain('info returns not started: the run was interrupted');
    await expectRepaired(world);
  });
});

it('a target that has no time left is not started, and the log reports the reason', async () => {
  const world = await warmWorld(['sales', 'returns']);
  world.next.limitMs = 2 * secondMs;
  world.storage.decide = (to) => (isCheckpoint(to) && isPut(to) ? silence : null);
  const { summaries, tookMs } = await timedSync(world);
  expect(summaries).toMatchObject([
    { target: 'sales', error: { kind: 'storage' } },
    { target: 'returns', done: false, from: null, watermark: null, requests: 0 },
  ]);
  expect(summaries[1]?.error).toBeUndefined();
  expect(world.logged).toContain('warn returns not started: the targets before it used up the time limit');
  expect(tookMs).toBeLessThan(9 * secondMs);
});

it('a run whose reading uses up its time commits the rows that it has read in the reserved time', async () => {
  const world = await warmWorld();
  world.next.limitMs = 20 * secondMs;
  let pages = 0;
  world.source.decide = ({ path }) => {
    pages += path.includes('offset=0') ? 1 : 0;
    return pages >= 3 ? silence : null;
  };
  world.simulator.life.addMany(150, { fromMs: world.clock.now() - 1_800_000, toMs: world.clock.now() - 1_200_000 });
  const { summaries, tookMs } = await timedSync(world);
  expect(summaries).toMatchObject([{ done: false }]);
  expect(tookMs).toBeLessThan(20 * secondMs);
  const writes = world.storage.exchanges.filter(isPut).filter(isCheckpoint);
  expect(writes).toHaveLength(2);
  await expectRepaired(world);
});
