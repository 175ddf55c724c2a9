/** Handles a request: checks credentials and quota, applies faults, and serves the page. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { contains } from '../../functions/intervals.ts';
import type { EpochMs } from '../../functions/model.ts';
import type { Auth } from './auth.ts';
import type { Counters } from './counters.ts';
import { disturb } from './disturbances.ts';
import { createFaultPicker, type Fault, type FaultPlace, type PickFault } from './faults.ts';
import { glitchOf } from './glitches.ts';
import { answerTokenRequest } from './iam.ts';
import { makeInstancePage } from './instance-page.ts';
import { readInstanceQuery } from './instance-query.ts';
import type { LifeCycle } from './life-cycle.ts';
import type { Listing } from './listing.ts';
import type { SimulatorClock } from './movable-clock.ts';
import type { Quota } from './quota.ts';
import type { Random } from './random.ts';
import { gatewayError, type Reply, sendReply, serviceError, spoil } from './reply.ts';
import type { SignedRequest } from './signature.ts';
import { answerTaskCall, readTaskPath, type TaskRequest } from './task-calls.ts';
import type { InstanceQuery, Traps } from './traps.ts';

/** The parts of a simulator that requests need. */
export interface World {
  readonly clock: SimulatorClock;
  readonly random: Random;
  readonly traps: Traps;
  readonly auth: Auth;
  readonly quota: Quota | null;
  readonly life: LifeCycle;
  readonly counters: Counters;
  /** Workspace → its project. */
  readonly projectOf: ReadonlyMap<string, string>;
  /** Aborted when the simulator closes. */
  readonly closing: AbortSignal;
}

/** A reply with its fault. */
interface Outcome {
  readonly reply: Reply;
  readonly fault: Fault | null;
  readonly rows: number;
}

const instancesPath = /^\/v2\/([^/]+)\/quality\/instances$/;

/** Faults that replace the page, so that none is made. */
const pageless: readonly string[] = ['status', 'wrong-shape', 'reset'];
/** Faults with which the rows of the page still reach the client. */
const delivering: readonly (string | undefined)[] = [undefined, 'empty-page', 'short-page', 'repeated-row'];

/** Serves the requests of one simulator. */
export class Gateway {
  readonly #world: World;
  readonly #pickFault: PickFault;
  #pagesMade = 0;

  constructor(world: World) {
    this.#world = world;
    this.#pickFault = createFaultPicker();
  }

  /**
   * Answers one request. Never rejects: a defect of the simulator or of a hook is answered with 500 and its message.
   */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, counters, traps } = this.#world;
    const url = request.url ?? '/';
    counters.arrive(clock.now());
    try {
      const { reply, fault, rows } = await this.#route(request, url);
      const sent = spoil(reply, fault);
      counters.leave(isSilent(fault) ? null : sent.status, rows);
      sendReply(response, sent, clock.now() + traps.dateSkewMs, fault);
    } catch (thrown) {
      if (this.#world.closing.aborted) {
        response.destroy();
        return;
      }
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      sendReply(
        response,
        serviceError(500, '9999', `defect of the simulator or a hook: ${message}`),
        clock.now(),
        null,
      );
    }
  }

  async #route(request: IncomingMessage, url: string): Promise<Outcome> {
    const path = url.split('?', 1)[0] ?? '';
    if (request.method === 'POST' && path === '/v3/auth/tokens') {
      return this.#answerToken(request);
    }
    const projectId = instancesPath.exec(path)?.[1];
    if (request.method === 'GET' && projectId !== undefined) {
      return this.#answerInstances(request, url, projectId);
    }
    const taskRequest = request.method === 'GET' ? readTaskPath(path) : null;
    if (taskRequest !== null) {
      return this.#answerTasks(request, url, taskRequest);
    }
    return this.#refused(404, '0101', 'The API does not exist or has not been published in the environment');
  }

  async #answerToken(request: IncomingMessage): Promise<Outcome> {
    const { counters, traps, auth, projectOf } = this.#world;
    counters.tokens += 1;
    const body = await text(request);
    const fault = this.#pickFault(traps.faults, (candidate) => candidate.on === 'tokens');
    await this.#spend(this.#latencyMs());
    const reply = answerTokenRequest(body, auth, new Set(projectOf.values()), this.#serverNow());
    return { reply, fault, rows: 0 };
  }

  async #answerInstances(request: IncomingMessage, url: string, projectId: string): Promise<Outcome> {
    this.#world.counters.instances += 1;
    const reading = readInstanceQuery(new URL(url, 'http://simulator').searchParams);
    const entry = this.#enter(request, url, { projectId, call: 'instances', place: 'instances' });
    if ('stopped' in entry) {
      return entry.stopped;
    }
    const { fault } = entry;
    const halfMs = this.#latencyMs() / 2;
    await this.#spend(halfMs);
    const outcome =
      'refusal' in reading
        ? { reply: serviceError(400, '1001', reading.refusal), fault, rows: 0 }
        : await this.#servePage(reading.query, workspaceOf(request), projectId, fault);
    await this.#spend(halfMs);
    return outcome;
  }

  async #answerTasks(request: IncomingMessage, url: string, asked: TaskRequest): Promise<Outcome> {
    const workspace = workspaceOf(request);
    const { life, traps, clock, counters, projectOf } = this.#world;
    const { projectId, call } = asked;
    const place = call === 'results' ? 'results' : 'tasks';
    counters[place] += 1;
    const entry = this.#enter(request, url, { projectId, call, place });
    if ('stopped' in entry) {
      return entry.stopped;
    }
    const { fault } = entry;
    await this.#spend(this.#latencyMs());
    if (workspace === null || projectOf.get(workspace) !== projectId) {
      return { reply: serviceError(400, '2001', 'workspace does not exist'), fault, rows: 0 };
    }
    const params = new URL(url, 'http://simulator').searchParams;
    return {
      ...answerTaskCall(asked, params, {
        ...{ life, traps, workspace, fault },
        nowMs: clock.now(),
        resultRequests: counters.results,
      }),
      fault,
    };
  }

  /** Admits a request and returns its fault, or returns the gateway's refusal. */
  #enter(
    request: IncomingMessage,
    url: string,
    asked: { readonly projectId: string; readonly call: string; readonly place: FaultPlace },
  ): { readonly stopped: Outcome } | { readonly fault: Fault | null } {
    const { faults } = this.#world.traps;
    const ours = ({ on = 'instances' }: Fault): boolean => on === asked.place;
    if (this.#pickFault(faults, (fault) => ours(fault) && fault.kind === 'revoke-tokens') !== null) {
      this.#world.auth.revokeTokens();
    }
    const stopped = this.#admit(
      { method: 'GET', url, headers: request.headers, body: '' },
      asked.projectId,
      asked.call,
    );
    return stopped === null
      ? { fault: this.#pickFault(faults, (fault) => ours(fault) && fault.kind !== 'revoke-tokens') }
      : { stopped };
  }

  /** Checks credentials, the quota of the call, and the project. Returns the refusal, or null. */
  #admit(request: SignedRequest, projectId: string, call: string): Outcome | null {
    const { auth, quota, projectOf, clock } = this.#world;
    const verdict = auth.check(request, this.#serverNow());
    if (!verdict.ok) {
      return this.#refused(401, '0301', `Incorrect IAM authentication information: ${verdict.reason}`);
    }
    const turn = quota?.arrive(`${verdict.user}/${call}`, clock.now());
    if (turn === false) {
      return this.#refused(429, '0308', quota?.refusalText ?? '');
    }
    const known = [...projectOf.values()].includes(projectId);
    if (!known || (verdict.projectId !== null && verdict.projectId !== projectId)) {
      return { reply: serviceError(403, '0403', `no permission for project ${projectId}`), fault: null, rows: 0 };
    }
    return null;
  }

  async #servePage(
    query: InstanceQuery,
    workspace: string | null,
    projectId: string,
    fault: Fault | null,
  ): Promise<Outcome> {
    const { life, traps, clock, random, projectOf } = this.#world;
    if (fault !== null && pageless.includes(fault.kind)) {
      return { reply: { status: 200, body: '' }, fault, rows: 0 };
    }
    if (workspace === null || workspace === '') {
      return { reply: serviceError(400, '1002', 'header workspace is required'), fault, rows: 0 };
    }
    if (projectOf.get(workspace) !== projectId) {
      return { reply: serviceError(400, '2001', 'workspace does not exist'), fault, rows: 0 };
    }
    this.#pagesMade += 1;
    const event = { n: this.#pagesMade, workspace, query, rows: 0, life };
    if (traps.beforePage !== null) {
      await traps.beforePage(event);
    }
    const listing = life.listing(workspace) as Listing;
    const page = makeInstancePage(listing, query, traps, clock.now(), random, glitchOf(fault));
    if ('refusal' in page) {
      return { reply: serviceError(400, page.code, page.refusal), fault, rows: 0 };
    }
    const { brokenSpan } = traps;
    if (brokenSpan !== null && page.entries.some(({ startTimeMs }) => contains(brokenSpan, startTimeMs))) {
      return { reply: serviceError(500, '5001', 'a row cannot be read'), fault, rows: 0 };
    }
    if (delivering.includes(fault?.kind)) {
      for (const entry of page.entries) {
        entry.served = true;
      }
    }
    const after = { ...event, rows: page.entries.length };
    disturb(after, listing, traps);
    if (traps.afterPage !== null) {
      await traps.afterPage(after);
    }
    return { reply: { status: 200, body: page.text }, fault, rows: page.entries.length };
  }

  #refused(status: number, code: string, message: string): Outcome {
    const requestId = createHash('md5').update(`${this.#world.counters.requests}`).digest('hex');
    return { reply: gatewayError(status, code, message, requestId), fault: null, rows: 0 };
  }

  #serverNow(): EpochMs {
    return this.#world.clock.now() + this.#world.traps.dateSkewMs;
  }

  #latencyMs(): number {
    const { latencyMs, jitterMs } = this.#world.traps;
    return latencyMs + this.#world.random.next() * jitterMs;
  }

  async #spend(ms: number): Promise<void> {
    if (ms > 0) {
      await pause(ms, undefined, { signal: this.#world.closing });
    }
  }
}

/** Whether the fault suppresses the whole reply. */
function isSilent(fault: Fault | null): boolean {
  return fault?.kind === 'reset' || fault?.kind === 'stall';
}

function workspaceOf({ headers: { workspace } }: IncomingMessage): string | null {
  return typeof workspace === 'string' ? workspace : null;
}
