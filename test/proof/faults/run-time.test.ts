/** However S3 hangs or fails: a run ends with its time, each target has its share of it, and the next run heals what is left. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { StoppedError } from '../../../functions/errors.ts';
import type { Summary } from '../../../functions/sync/summary.ts';
import { type Exchange, type ProxyFault, rawReply } from '../../support/fault-proxy.ts';
import { type FaultWorld, openFaultWorld } from './fault-world.ts';
import { whileTimeFlies } from './flying-time.ts';

const secondMs = 1_000;
const silence: ProxyFault = { kind: 'black-hole' };

const isPut = ({ method }: Exchange): boolean => method === 'PUT';
const isCheckpoint = ({ path }: Exchange): boolean => path.includes('checkpoint.json');
const isData = ({ path }: Exchange): boolean => path.includes('.parquet');

function s3Error(status: number, code: string): ProxyFault {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  return { kind: 'answer', reply: rawReply(status, body, 'content-type: application/xml\r\n') };
}

/** Where each target has synced once, and there is more to sync. */
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

/** Syncs while time flies. */
async function timedSync(world: FaultWorld): Promise<{ summaries: Summary[]; tookMs: number }> {
  const beginMs = world.clock.now();
  const summaries = await whileTimeFlies(world.clock, () => world.syncAll());
  return { summaries, tookMs: world.clock.now() - beginMs };
}

async function expectHealed(world: FaultWorld): Promise<void> {
  const { targets } = world.next;
  world.lift();
  world.next.targets = targets;
  for (const summary of await world.syncAll()) {
    expect(summary).toMatchObject({ done: true });
    expect(summary.error).toBeUndefined();
  }
  expect(await world.differences()).toEqual({ lost: [], wrong: [], shownTwice: [], invented: [] });
}

const sick: readonly [string, (exchange: Exchange) => ProxyFault | null][] = [
  ['swallows every write of the checkpoint', (to) => (isPut(to) && isCheckpoint(to) ? silence : null)],
  ['swallows every write of data', (to) => (isPut(to) && isData(to) ? silence : null)],
  [
    'says 503 to every write of the checkpoint',
    (to) => (isPut(to) && isCheckpoint(to) ? s3Error(503, 'SlowDown') : null),
  ],
  [
    'says 409 to every write of the checkpoint',
    (to) => (isPut(to) && isCheckpoint(to) ? s3Error(409, 'ConditionalRequestConflict') : null),
  ],
  ['swallows everything but the first read', afterFirst()],
  ['swallows every read of the checkpoint', (to) => (isCheckpoint(to) && !isPut(to) ? silence : null)],
  ['swallows everything', () => silence],
  [
    'lets the checkpoint drip',
    (to) => (isCheckpoint(to) && !isPut(to) ? { kind: 'drip', bytes: 100, ms: 1_000 } : null),
  ],
];

function afterFirst(): (exchange: Exchange) => ProxyFault | null {
  let n = 0;
  return () => {
    n += 1;
    return n === 1 ? null : silence;
  };
}

describe('a run of 20 s whose S3', () => {
  it.for(sick)('%s fails within 25 s, and the next run repairs it', async ([, decide]) => {
    const world = await warmWorld();
    world.next.limitMs = 20 * secondMs;
    world.storage.decide = decide;
    const { summaries, tookMs } = await timedSync(world);
    expect(summaries).toMatchObject([{ done: false, error: { kind: 'storage', retryable: true } }]);
    expect(tookMs).toBeLessThan(25 * secondMs);
    await expectHealed(world);
  });

  it("swallows the first target's writes leaves the second target its share of the time", async () => {
    const world = await warmWorld(['sales', 'returns']);
    world.next.limitMs = 20 * secondMs;
    world.storage.decide = (to) => (isPut(to) && to.path.includes('state/sales/') ? silence : null);
    const { summaries, tookMs } = await timedSync(world);
    expect(summaries).toMatchObject([
      { target: 'sales', error: { kind: 'storage' } },
      { target: 'returns', done: true },
    ]);
    expect(tookMs).toBeLessThan(20 * secondMs);
    await expectHealed(world);
  });
});

describe('a run without an end of its own', () => {
  it('stops writing a checkpoint that gets no reply after a few attempts', async () => {
    const world = await warmWorld();
    world.next.limitMs = Number.POSITIVE_INFINITY;
    world.storage.decide = (to) => (isPut(to) && isCheckpoint(to) ? silence : null);
    const { summaries, tookMs } = await timedSync(world);
    const message = expect.stringMatching(/cannot write .*checkpoint\.json: .* in time \(4 attempts\)$/);
    expect(summaries).toMatchObject([{ error: { kind: 'storage', code: 'ETIMEDOUT', message } }]);
    expect(tookMs).toBeLessThan(200 * secondMs);
    await expectHealed(world);
  });

  it('ends 15 s after Ctrl-C, and starts no other target', async () => {
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
    await expectHealed(world);
  });
});

describe('a target whose turn comes with no time left', () => {
  it('is not started, and the log reports it', async () => {
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
});

describe('a run whose time is spent on reading', () => {
  it('commits what it has read in the reserved time', async () => {
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
    await expectHealed(world);
  });
});
