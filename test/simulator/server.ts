/**
 * A simulator of the source: instances, tasks and results of DataArts Quality and the tokens of IAM, on a loopback
 * port.
 *
 * `truth()` returns what a complete copy of the source would contain.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EpochMs } from '../../functions/model.ts';
import { type Account, defaultAccount } from './accounts.ts';
import { Auth } from './auth.ts';
import { answerControl } from './control.ts';
import { Counters } from './counters.ts';
import { Gateway, type World } from './gateway.ts';
import type { HistoryOptions } from './history.ts';
import { LifeCycle } from './life-cycle.ts';
import type { MovableClock, SimulatorClock } from './movable-clock.ts';
import { Quota, type QuotaOptions } from './quota.ts';
import { seededRandom } from './random.ts';
import { resultsOf, type TrueResult, trueResults } from './rule-results.ts';
import type { ListedTask } from './task-book.ts';
import { makeTraps, type Traps } from './traps.ts';
import { type Truth, truthOf } from './truth.ts';

/** A workspace of the source. */
export interface SimulatedWorkspace {
  readonly projectId: string;
  readonly workspace: string;
}

/** Options of a simulator. */
export interface SimulatorOptions {
  /** Default 1. */
  readonly seed?: number;
  /** Default: real time. Rows, tokens, quota and `Date` follow it; latencies pass in real time. */
  readonly clock?: SimulatorClock;
  /** Default: `defaultWorkspace` alone. */
  readonly workspaces?: readonly SimulatedWorkspace[];
  /** Default: no quota. Documented value: `{ requests: 40, perSeconds: 10 }`. */
  readonly quota?: QuotaOptions;
  /** Default: `defaultAccount` alone. */
  readonly accounts?: readonly Account[];
  /** Scheduled executions in every workspace. Default: none. */
  readonly history?: HistoryOptions;
  readonly traps?: Partial<Traps>;
  /** Default 0: a free port. */
  readonly port?: number;
  /**
   * Enables `/_truth`, `/_counters`, `/_traps` and `/_advance` (which moves this clock) for everybody on the machine.
   */
  readonly control?: MovableClock;
}

/** A running simulator. */
export interface Simulator {
  /** `http://127.0.0.1:<port>`, for `source.endpoint`. */
  readonly url: string;
  /** The same server, for `source.iamEndpoint`. */
  readonly iamUrl: string;
  /** Can be changed at any time. */
  readonly traps: Traps;
  readonly life: LifeCycle;
  readonly auth: Auth;
  readonly counters: Counters;
  readonly clock: SimulatorClock;
  readonly workspaces: readonly SimulatedWorkspace[];
  /** Returns what a workspace (default: the first) holds now, with start times in `[fromMs, toMs)` (default: all). */
  truth(workspace?: string, span?: { readonly fromMs?: EpochMs; readonly toMs?: EpochMs }): Truth;
  /** Returns the current tasks of both types of a workspace (default: the first). */
  tasks(workspace?: string): readonly ListedTask[];
  /** Returns the results of an instance that is listed now, one for each rule and object. */
  results(id: bigint, workspace?: string): readonly TrueResult[];
  /** Stops immediately, also if requests are in flight. */
  close(): Promise<void>;
}

/** The workspace that a simulator has by default. */
export const defaultWorkspace: SimulatedWorkspace = {
  projectId: '0b1c52fa6e8d4f7a9c3e0d5b7a164c28',
  workspace: '9f2e71d04c8b4be5a6d31f0c58e7b924',
};

/** Starts a simulator. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const seed = options.seed ?? 1;
  const clock = options.clock ?? { now: () => Date.now() };
  const workspaces = options.workspaces ?? [defaultWorkspace];
  const life = new LifeCycle(
    clock,
    seed,
    workspaces.map(({ workspace }) => workspace),
  );
  if (options.history !== undefined) {
    for (const { workspace } of workspaces) {
      life.addHistory(options.history, workspace);
    }
  }
  const closing = new AbortController();
  const world: World = {
    clock,
    random: seededRandom(seed, 3),
    traps: makeTraps(options.traps),
    auth: new Auth(options.accounts ?? [defaultAccount]),
    quota: options.quota === undefined ? null : new Quota(options.quota),
    life,
    counters: new Counters(),
    projectOf: new Map(workspaces.map(({ projectId, workspace }) => [workspace, projectId])),
    closing: closing.signal,
  };
  const { url, close } = await listen(world, options);
  return {
    url,
    iamUrl: url,
    traps: world.traps,
    life,
    auth: world.auth,
    counters: world.counters,
    clock,
    workspaces,
    truth: (workspace, span) => truthIn(world, workspace ?? workspaces[0]?.workspace ?? '', span),
    tasks: (workspace = workspaces[0]?.workspace ?? '') =>
      ['QUALITY_TASK', 'CONSISTENCY_TASK'].flatMap((type) =>
        life.tasks(workspace).list(type, life.listingOf(workspace)),
      ),
    results: (id, workspace = workspaces[0]?.workspace ?? '') => {
      const entry = life.listingOf(workspace).find(id);
      return trueResults(resultsOf(entry, life.tasks(workspace).define(entry.task), world.traps, clock.now()));
    },
    close: async () => {
      closing.abort();
      await close();
    },
  };
}

function truthIn(world: World, workspace: string, span?: { fromMs?: EpochMs; toMs?: EpochMs }): Truth {
  const listing = world.life.listing(workspace);
  if (listing === undefined) {
    throw new Error(`the simulator has no workspace ${workspace}`);
  }
  return truthOf(listing, world.clock.now(), span);
}

async function listen(world: World, options: SimulatorOptions): Promise<{ url: string; close: () => Promise<void> }> {
  const gateway = new Gateway(world);
  const { control } = options;
  const server = createServer((request, response) => {
    if (control !== undefined && request.url?.startsWith('/_') === true) {
      void answerControl(request, response, world, control);
    } else {
      void gateway.handle(request, response);
    }
  });
  server.keepAliveTimeout = 60_000;
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
