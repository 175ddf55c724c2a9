/** Endpoints for people who run the simulator by hand: read the truth, advance the clock, set traps. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { World } from './gateway.ts';
import type { MovableClock } from './movable-clock.ts';
import { jsonReply, type Reply, sendReply } from './reply.ts';
import { truthOf } from './truth.ts';

/** Answers a request for a path that starts with `/_`. */
export async function answerControl(
  request: IncomingMessage,
  response: ServerResponse,
  world: World,
  clock: MovableClock,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://simulator');
  let reply: Reply;
  try {
    reply = control(`${request.method} ${url.pathname}`, url.searchParams, await text(request), world, clock);
  } catch (thrown) {
    reply = jsonReply(400, { error: thrown instanceof Error ? thrown.message : String(thrown) });
  }
  sendReply(response, reply, clock.now(), null);
}

function control(action: string, params: URLSearchParams, body: string, world: World, clock: MovableClock): Reply {
  switch (action) {
    case 'GET /_truth': {
      const workspace = params.get('workspace') ?? [...world.projectOf.keys()][0] ?? '';
      const listing = world.life.listing(workspace);
      return listing === undefined
        ? jsonReply(404, { error: `no workspace ${workspace}` })
        : plainReply(truthOf(listing, clock.now()));
    }
    case 'GET /_counters':
      return plainReply({ ...world.counters, arrivalsMs: undefined });
    case 'GET /_traps':
      return plainReply(world.traps);
    case 'POST /_traps':
      Object.assign(world.traps, JSON.parse(body));
      return plainReply(world.traps);
    case 'POST /_advance': {
      const ms = Number(params.get('ms'));
      if (!(ms > 0)) {
        return jsonReply(400, { error: 'ms must be a positive number: POST /_advance?ms=60000' });
      }
      clock.advance(ms);
      return plainReply({ nowMs: clock.now() });
    }
    default:
      return jsonReply(404, {
        error: 'GET /_truth?workspace=, GET /_counters, GET /_traps, POST /_traps, POST /_advance?ms=',
      });
  }
}

/** Returns a reply with ids as text, because JSON parsers would round them as numbers. */
function plainReply(value: unknown): Reply {
  return {
    status: 200,
    body: JSON.stringify(value, (_key, member: unknown) => (typeof member === 'bigint' ? String(member) : member), 2),
  };
}
