import { type IncomingHttpHeaders, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultAccount } from './accounts.ts';
import { ask, askToken } from './ask.ts';
import { createFaultPicker, type Fault, type When } from './faults.ts';
import { seededRandom } from './random.ts';
import { defaultWorkspace, type Simulator, startSimulator } from './server.ts';

let simulator: Simulator;

beforeEach(async () => {
  simulator = await startSimulator();
  simulator.life.addMany(20, { fromMs: Date.now() - 2_000, toMs: Date.now() - 1_000 });
});

afterEach(async () => {
  await simulator.close();
});

function strike(...faults: Fault[]): void {
  simulator.traps.faults = faults;
}

/** Headers and length of the first piece of a reply's body. */
function firstBytes(): Promise<{ headers: IncomingHttpHeaders; received: number }> {
  const headers = { workspace: defaultWorkspace.workspace, 'x-auth-token': defaultAccount.tokens[0] };
  return new Promise((resolve, reject) => {
    const asked = request(
      `${simulator.url}/v2/${defaultWorkspace.projectId}/quality/instances`,
      { headers },
      (reply) => {
        reply.once('error', reject);
        reply.once('data', (chunk: Buffer) => {
          resolve({ headers: reply.headers, received: chunk.length });
          asked.destroy();
        });
      },
    );
    asked.once('error', reject).end();
  });
}

describe('moments', () => {
  it.each([
    [{ nth: 3 }, [3]],
    [{ first: 2 }, [1, 2]],
    [{ every: 2 }, [2, 4, 6]],
    [{ from: 5 }, [5, 6]],
    [{ offset: 40 }, [5]],
    [{ chance: 1 }, [1, 2, 3, 4, 5, 6]],
    [{ chance: 0 }, []],
  ] as [When, number[]][])('%j strikes requests %j', (when, expected) => {
    const pick = createFaultPicker(seededRandom(1));
    const fault: Fault = { kind: 'reset', when };
    const offsets = [0, 10, 20, 30, 40, 40];
    const struck = offsets.flatMap((offset, index) => (pick([fault], () => true, offset) === null ? [] : [index + 1]));
    expect(struck).toEqual(expected);
  });

  it('counts each fault from when it was put in place', async () => {
    await ask(simulator);
    strike({ kind: 'status', status: 503, when: { nth: 1 } });
    expect([(await ask(simulator)).status, (await ask(simulator)).status]).toEqual([503, 200]);
  });
});

describe('replies', () => {
  it('are errors of the service or pages of HTML', async () => {
    strike(
      { kind: 'status', status: 500, when: { nth: 1 } },
      { kind: 'status', status: 502, html: true, when: { nth: 2 } },
    );
    const service = await ask(simulator);
    const proxy = await ask(simulator);
    expect([service.status, service.code]).toEqual([500, 'DQC.5000']);
    expect([proxy.status, proxy.headers.get('content-type')]).toEqual([502, 'text/html']);
  });

  it('are 200 and yet no page', async () => {
    strike(
      { kind: 'html', when: { nth: 1 } },
      { kind: 'bad-json', when: { nth: 2 } },
      { kind: 'wrong-shape', when: { nth: 3 } },
    );
    const [html, badJson, wrongShape] = [await ask(simulator), await ask(simulator), await ask(simulator)];
    expect([html.status, badJson.status, wrongShape.status]).toEqual([200, 200, 200]);
    expect(html.text).toContain('<html>');
    expect(() => JSON.parse(badJson.text)).toThrow(SyntaxError);
    expect(Object.keys(JSON.parse(wrongShape.text))).toEqual(['count', 'data']);
  });

  it('have a different content type with the right body', async () => {
    strike({ kind: 'content-type', contentType: 'text/plain', when: { nth: 1 } });
    const answer = await ask(simulator);
    expect([answer.headers.get('content-type'), answer.ids.length]).toEqual(['text/plain', 10]);
  });

  it('count as served only if they arrived completely', async () => {
    strike({ kind: 'bad-json', when: { nth: 1 } });
    await ask(simulator);
    const servedBefore = simulator.truth().executions.filter(({ served }) => served).length;
    await ask(simulator);
    const servedAfter = simulator.truth().executions.filter(({ served }) => served).length;
    expect([servedBefore, servedAfter]).toEqual([0, 10]);
  });
});

describe('connections', () => {
  it.each([
    ['reset', { kind: 'reset', when: { nth: 1 } }],
    ['cut within a body of known length', { kind: 'truncate', when: { nth: 1 } }],
    ['cut within a chunked body', { kind: 'truncate', chunked: true, when: { nth: 1 } }],
  ] as [string, Fault][])('are %s, and the next request is answered', async (_what, fault) => {
    strike(fault);
    await expect(ask(simulator)).rejects.toThrow(TypeError);
    expect((await ask(simulator)).status).toBe(200);
  });

  it('stall before the headers, and no reply arrives', async () => {
    strike({ kind: 'stall', at: 'headers', when: { nth: 1 } });
    const stalled = ask(simulator);
    await expect.poll(() => simulator.counters.log.length).toBe(1);
    expect((await ask(simulator)).status).toBe(200);
    await simulator.close();
    await expect(stalled).rejects.toThrow(TypeError);
    expect(simulator.counters.log[0]?.status).toBeNull();
    simulator = await startSimulator();
  });

  it('stall within the body, after the headers and half of it', async () => {
    strike({ kind: 'stall', at: 'body', when: { nth: 1 } });
    const { headers, received } = await firstBytes();
    expect(received).toBe(Math.ceil(Number(headers['content-length']) / 2));
  });

  it('are cut without having told the length where the body is chunked', async () => {
    strike({ kind: 'truncate', when: { nth: 1 } }, { kind: 'truncate', chunked: true, when: { nth: 2 } });
    const [whole, chunked] = [await firstBytes(), await firstBytes()];
    expect([whole, chunked].map(({ headers }) => headers['transfer-encoding'])).toEqual([undefined, 'chunked']);
    expect(whole.headers['content-length']).toMatch(/^\d+$/);
  });

  it('delayed beyond the end of the simulator are cut', async () => {
    strike({ kind: 'delay', ms: 600_000, when: { nth: 1 } });
    const delayed = ask(simulator);
    await expect.poll(() => simulator.counters.log.length).toBe(1);
    await simulator.close();
    await expect(delayed).rejects.toThrow(TypeError);
    simulator = await startSimulator();
  });
});

describe('the token desk', () => {
  it('has its own faults', async () => {
    strike({ kind: 'status', status: 503, on: 'tokens', when: { first: 1 } });
    const instances = await ask(simulator);
    const refused = await askToken(simulator, defaultAccount.password);
    const issued = await askToken(simulator, defaultAccount.password);
    expect([instances.status, refused.status, issued.status]).toEqual([200, 503, 201]);
  });
});
