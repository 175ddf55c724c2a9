/** Makes replies, and sends them with their faults. */
import type { ServerResponse } from 'node:http';
import type { FaultKind } from './faults.ts';

/** A reply to be sent. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Makes a JSON reply. */
export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers, body: JSON.stringify(value) };
}

/** Makes an error reply of the DataArts service. */
export function serviceError(status: number, code: string, message: string): Reply {
  return jsonReply(status, { error_code: `DQC.${code}`, error_msg: message });
}

/** Makes an error reply of the API gateway. */
export function gatewayError(status: number, code: string, message: string, requestId: string): Reply {
  return jsonReply(status, { error_code: `APIG.${code}`, error_msg: message, request_id: requestId });
}

/** Applies faults that change the content of a reply; `sendReply` applies the others. */
export function spoil(reply: Reply, fault: FaultKind | null): Reply {
  switch (fault?.kind) {
    case 'status':
      return serviceError(fault.status, '5000', 'internal service error, try again later');
    case 'bad-json':
      return { ...reply, body: reply.body.slice(0, Math.ceil(reply.body.length / 2)) };
    case 'wrong-shape':
      return jsonReply(200, { count: 0, data: [] });
    default:
      return reply;
  }
}

/** Sends a reply, or the part of it that the fault allows. `dateMs` is the source's clock. */
export function sendReply(response: ServerResponse, reply: Reply, dateMs: number, fault: FaultKind | null): void {
  if (fault?.kind === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  if (fault?.kind === 'stall') {
    return;
  }
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, {
    'content-type': 'application/json;charset=utf-8',
    date: new Date(dateMs).toUTCString(),
    'content-length': String(body.length),
    ...reply.headers,
  });
  if (fault?.kind === 'truncate') {
    response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.socket?.destroy());
  } else {
    response.end(body);
  }
}
