import { type IncomingHttpHeaders, request } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import { defaultAccount } from './accounts.ts';
import { ask, askToken } from './ask.ts';
import { createFaultPicker, type Fault, type When } from './faults.ts';
import { seededRandom } from './random.ts';
import { defaultWorkspace, type Simulator, startSimulator } from './server.ts';

let simulator: Simulator;

beforeEach(async () => {
  simulator = await startSimulator();
  simulator.life.addMany(20, { fromMs: Date.now() - 2_000, toMs: Date.now() - 1_000 });
  return () => simulator.close();
});

function setFaults(...faults: Fault[]): void {
  simulator.traps.faults = faults;
}

/** Returns the headers and the length of the first piece of a reply's body. */
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

describe('a fault', () => {
  it.each([
    [{ nth: 3 }, [3]],
    [{ first: 2 }, [1, 2]],
    [{ every: 2 }, [2, 4, 6]],
    [{ from: 5 }, [5, 6]],
    [{ offset: 40 }, [5]],
    [{ chance: 1 }, [1, 2, 3, 4, 5, 6]],
    [{ chance: 0 }, []],
  ] as [When, number[]][])('with the condition %j applies to requests %j', (when, expected) => {
    const pick = createFaultPicker(seededRandom(1));
    const fault: Fault = { kind: 'reset', when };
    const offsets = [0, 10, 20, 30, 40, 40];
    const applied = offsets.flatMap((offset, index) => (pick([fault], () => true, offset) === null ? [] : [index + 1]));
    expect(applied).toEqual(expected);
  });

  it('counts requests from the time when it was added', async () => {
    await ask(simulator);
    setFaults({ kind: 'status', status: 503, when: { nth: 1 } });
    expect([(await ask(simulator)).status, (await ask(simulator)).status]).toEqual([503, 200]);
  });
});

describe('faults of replies', () => {
  it('return errors of the service or of a proxy', async () => {
    setFaults(
      { kind: 'status', status: 500, when: { nth: 1 } },
      { kind: 'status', status: 502, html: true, when: { nth: 2 } },
    );
    const service = await ask(simulator);
    const proxy = await ask(simulator);
    expect([service.status, service.code]).toEqual([500, 'DQC.5000']);
    expect([proxy.status, proxy.headers.get('content-type')]).toEqual([502, 'text/html']);
  });

  it('return status 200 with a body that is not a page', async () => {
    setFaults(
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

  it('change only the content type', async () => {
    setFaults({ kind: 'content-type', contentType: 'text/plain', when: { nth: 1 } });
    const answer = await ask(simulator);
    expect([answer.headers.get('content-type'), answer.ids.length]).toEqual(['text/plain', 10]);
  });

  it('leave rows unserved if the reply does not arrive completely', async () => {
    setFaults({ kind: 'bad-json', when: { nth: 1 } });
    await ask(simulator);
    const servedBefore = simulator.truth().executions.filter(({ served }) => served).length;
    await ask(simulator);
    const servedAfter = simulator.truth().executions.filter(({ served }) => served).length;
    expect([servedBefore, servedAfter]).toEqual([0, 10]);
  });
});

describe('faults of connections', () => {
  it.each([
    ['reset the connection', { kind: 'reset', when: { nth: 1 } }],
    ['cut the connection within a body of known length', { kind: 'truncate', when: { nth: 1 } }],
    ['cut the connection within a chunked body', { kind: 'truncate', chunked: true, when: { nth: 1 } }],
  ] as [string, Fault][])('%s, and the next request is answered', async (_what, fault) => {
    setFaults(fault);
    await expect(ask(simulator)).rejects.toThrow(TypeError);
    expect((await ask(simulator)).status).toBe(200);
  });

  it('stall the reply before the headers', async () => {
    setFaults({ kind: 'stall', at: 'headers', when: { nth: 1 } });
    const stalled = ask(simulator);
    await expect.poll(() => simulator.counters.log.length).toBe(1);
    expect((await ask(simulator)).status).toBe(200);
    await simulator.close();
    await expect(stalled).rejects.toThrow(TypeError);
    expect(simulator.counters.log[0]?.status).toBeNull();
    simulator = await startSimulator();
  });

  it('stall the reply after half of the body', async () => {
    setFaults({ kind: 'stall', at: 'body', when: { nth: 1 } });
    const { headers, received } = await firstBytes();
    expect(received).toBe(Math.ceil(Number(headers['content-length']) / 2));
  });

  it('omit the length of a chunked body that is cut', async () => {
    setFaults({ kind: 'truncate', when: { nth: 1 } }, { kind: 'truncate', chunked: true, when: { nth: 2 } });
    const [whole, chunked] = [await firstBytes(), await firstBytes()];
    expect([whole, chunked].map(({ headers }) => headers['transfer-encoding'])).toEqual([undefined, 'chunked']);
    expect(whole.headers['content-length']).toMatch(/^\d+$/);
  });

  it('do not keep a delayed reply open when the simulator closes', async () => {
    setFaults({ kind: 'delay', ms: 600_000, when: { nth: 1 } });
    const delayed = ask(simulator);
    await expect.poll(() => simulator.counters.log.length).toBe(1);
    await simulator.close();
    await expect(delayed).rejects.toThrow(TypeError);
    simulator = await startSimulator();
  });
});

it('a fault on tokens applies to requests for tokens alone', async () => {
  setFaults({ kind: 'status', status: 503, on: 'tokens', when: { first: 1 } });
  const instances = await ask(simulator);
  const refused = await askToken(simulator, defaultAccount.password);
  const issued = await askToken(simulator, defaultAccount.password);
  expect([instances.status, refused.status, issued.status]).toEqual([200, 503, 201]);
});
