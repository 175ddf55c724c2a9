/**
 * Rounds of syncs between a source and an S3 that fail by chance. Each round ends with a sync without faults and a
 * comparison of table and source. The soak calls it with a seed and a time limit.
 */
import type { Summary } from '../../../functions/sync/summary.ts';
import { defaultAccount } from '../../simulator/accounts.ts';
import type { ExecutionKey } from '../../simulator/life-cycle.ts';
import { type Random, seededRandom } from '../../simulator/random.ts';
import { answer, type FaultProxy, type ProxyFault } from '../../support/fault-proxy.ts';
import { type FaultWorld, openFaultWorld } from './fault-world.ts';

/** Figures, added up over rounds. */
export interface FaultFigures {
  syncs: number;
  /** Exchanges with a fault. */
  faults: number;
  /** Syncs that failed or stopped early, and reported the reason. */
  failed: number;
  /** Violations, with the seed of their world. */
  problems: readonly string[];
}

/** The seed of the first round, and when to stop. */
export interface FaultRoundsOptions {
  readonly seed: number;
  readonly isOver: (figures: FaultFigures) => boolean;
}

const minuteMs = 60_000;
const syncsOfAWorld = 8;
const passwords = [defaultAccount.password.password, defaultAccount.accessKeys[0]?.secretAccessKey ?? 'none'];

/** Runs rounds until one finds a problem or `isOver` returns true. */
export async function faultRounds({ seed, isOver }: FaultRoundsOptions): Promise<FaultFigures> {
  const figures: FaultFigures = { syncs: 0, faults: 0, failed: 0, problems: [] };
  for (let round = 0; figures.problems.length === 0 && !isOver(figures); round += 1) {
    const problems = await faultRound(seed + round, figures);
    figures.problems = problems.map((problem) => `seed ${seed + round}: ${problem}`);
  }
  return figures;
}

async function faultRound(seed: number, figures: FaultFigures): Promise<string[]> {
  const random = seededRandom(seed, 31);
  const world = await openFaultWorld(random.chance(0.7) ? defaultAccount.password : defaultAccount.accessKeys[0]);
  const running: ExecutionKey[] = [];
  const problems: string[] = [];
  try {
    for (let n = 1; n <= syncsOfAWorld && problems.length === 0; n += 1) {
      world.lift();
      stir(world, random, running);
      const faults = arrange(world, random, figures);
      problems.push(...(await faultySync(world, figures)).map((problem) => `sync ${n}, ${faults}: ${problem}`));
    }
    world.lift();
    return [...problems, ...(await finalSync(world))];
  } finally {
    await world.close();
  }
}

/** Changes the source: executions start, and one ends or is deleted. */
function stir({ simulator, clock }: FaultWorld, random: Random, running: ExecutionKey[]): void {
  const { life } = simulator;
  clock.advance(random.between(1, 90) * minuteMs);
  for (let count = random.between(1, 120); count > 0; count -= 1) {
    life.addExecution({
      startTimeMs: clock.now() - random.between(1, minuteMs),
      runStatus: random.pick(['SUCCESS', 'FAILED', 'ALARMING']),
    });
  }
  const [ended] = running.splice(0, 1);
  if (ended !== undefined && random.chance(0.8)) {
    life.finish(ended.id, 'FAILED');
  } else if (ended !== undefined) {
    life.remove(ended.id);
  }
  running.push(life.addExecution({ startTimeMs: clock.now() - 1, runStatus: 'RUNNING' }));
}

/** Chooses the faults of the next sync, and returns them as text. */
function arrange(world: FaultWorld, random: Random, figures: FaultFigures): string {
  world.next.socketMs = 150;
  const faults = [
    `source: ${spoilByChance(world.source, random, sourceFaults, figures)}`,
    `storage: ${spoilByChance(world.storage, random, storageFaults, figures)}`,
  ];
  if (random.chance(0.15)) {
    const [side] = [random.pick(['source', 'storage'] as const)];
    const door = random.pick(['untrusted-tls', 'tls-without-tls', 'no-such-host'] as const);
    world.next[`${side}Door`] = door;
    faults.push(`${side} behind ${door}`);
  } else if (random.chance(0.1)) {
    const proxy = random.pick([world.source, world.storage]);
    proxy.greeting = random.pick(['reset', 'garbage', 'silence']);
    faults.push(`greeting ${proxy.greeting}`);
  }
  if (random.chance(0.3)) {
    // Never ahead: rows with times to come that are never committed are more than is promised (PROTOCOL.md, I13).
    world.next.ourSkewMs = random.between(-20, 0) * minuteMs;
    faults.push(`our clock off by ${world.next.ourSkewMs} ms`);
  }
  if (random.chance(0.2)) {
    world.next.limitMs = random.between(500, 60_000);
    faults.push(`time limit ${world.next.limitMs} ms`);
  }
  return faults.join(', ');
}

const broken: readonly ProxyFault[] = [
  { kind: 'reset' },
  { kind: 'half-close' },
  { kind: 'black-hole' },
  { kind: 'lose-reply' },
  { kind: 'break-body' },
  { kind: 'end-body' },
  { kind: 'stall-body' },
  { kind: 'corrupt-body' },
  { kind: 'delay', ms: 40 },
  { kind: 'drip', bytes: 3_000, ms: 5 },
];
const sourceFaults: readonly ProxyFault[] = [
  ...broken,
  answer(500, '{"error_code":"DQC.5000","error_msg":"try later"}'),
  answer(502, '<html>bad gateway</html>'),
  answer(503, '', 'retry-after: 7\r\n'),
  answer(429, '{"error_code":"APIG.0308","error_msg":"throttled"}'),
  answer(401, '{"error_code":"APIG.0301","error_msg":"no"}'),
  answer(400, '{"error_code":"DQC.1001","error_msg":"bad"}'),
  answer(200, ''),
];
const storageFaults: readonly ProxyFault[] = [
  ...broken,
  { kind: 'corrupt-request' },
  answer(503, '<Error><Code>SlowDown</Code></Error>'),
  answer(500, ''),
  answer(409, '<Error><Code>ConditionalRequestConflict</Code></Error>'),
  answer(403, '<Error><Code>AccessDenied</Code></Error>'),
];

/** Injects no fault, one, one every few exchanges, or one into each exchange. Returns the choice as text. */
function spoilByChance(
  proxy: FaultProxy,
  random: Random,
  faults: readonly ProxyFault[],
  figures: FaultFigures,
): string {
  const fault = random.pick(faults);
  const first = random.between(1, 8);
  const every = random.pick([0, 0, 1, 2, 3, 5, Number.POSITIVE_INFINITY]);
  if (every === 0) {
    return 'no fault';
  }
  let n = 0;
  proxy.decide = () => {
    n += 1;
    const isDue = n === first || (n > first && (n - first) % every === 0);
    figures.faults += isDue ? 1 : 0;
    return isDue ? fault : null;
  };
  return `${JSON.stringify(fault)} from exchange ${first} on, every ${every}`;
}

/** Runs a sync that may fail. Returns, as text, errors without remedy, a missed time limit, and wrong rows. */
async function faultySync(world: FaultWorld, figures: FaultFigures): Promise<string[]> {
  const beginMs = world.clock.now();
  const summary = await world.sync();
  figures.syncs += 1;
  figures.failed += summary.done ? 0 : 1;
  const tookMs = world.clock.now() - beginMs;
  const { invented, shownTwice } = await world.differences();
  return [
    ...problemsOf(summary),
    ...(tookMs > world.next.limitMs + minuteMs ? [`it took ${tookMs} ms, of ${world.next.limitMs}`] : []),
    ...[...invented, ...shownTwice].map((key) => `${key} is shown twice, or was never there`),
  ];
}

function problemsOf({ error, done }: Summary): string[] {
  if (error === undefined) {
    return [];
  }
  const text = JSON.stringify(error);
  return [
    ...(done ? [`done, and yet ${text}`] : []),
    ...(error.kind === 'internal' || !/\S{3}/.test(error.remedy) || !/\S{3}/.test(error.message) ? [text] : []),
    ...(passwords.some((secret) => text.includes(secret)) ? [`a secret is printed: ${text}`] : []),
  ];
}

/** Syncs without faults. Returns, as text, how the table differs from the source after it. */
async function finalSync(world: FaultWorld): Promise<string[]> {
  world.clock.advance(30 * minuteMs);
  const summary = await world.sync();
  const differences = await world.differences();
  return [
    ...(summary.done ? [] : [`the last sync failed: ${JSON.stringify(summary.error)}`]),
    ...Object.entries(differences).flatMap(([what, keys]) =>
      keys.length === 0 ? [] : [`${what}: ${keys.length}, such as ${keys.slice(0, 3)}`],
    ),
  ];
}
