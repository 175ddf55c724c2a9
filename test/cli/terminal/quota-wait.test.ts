/** What a command says while it waits for the quota, and if that takes too long. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { noteQuotaWait } from '../../../functions/cli/terminal/paced-connections.ts';
import { withSource } from '../../../functions/cli/terminal/source-clock.ts';
import { parseConfig } from '../../../functions/config.ts';
import { openConnections } from '../../../functions/connect.ts';
import { createPacer } from '../../../functions/source/pacing.ts';

const clock = { now: () => Date.now(), sleep: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)) };
const isTTY = process.stderr.isTTY;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.stderr.isTTY = isTTY;
});

/** Sends a request, and a second one that waits for the quota. Returns what was written to stderr meanwhile. */
async function writtenDuring(perSeconds: number, isTerminal: boolean): Promise<string[]> {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  process.stderr.isTTY = isTerminal;
  const pacer = createPacer({ requests: 1, perSeconds }, clock);
  noteQuotaWait({ clock, quotaOpensAtMs: () => pacer.opensAtMs() });
  await pacer.admit();
  await vi.advanceTimersByTimeAsync(1_500);
  const second = pacer.admit();
  await vi.advanceTimersByTimeAsync(60_000);
  await second;
  return write.mock.calls.map(([text]) => String(text));
}

it('a command on a terminal says once that it waits for the quota', async () => {
  expect(await writtenDuring(10, true)).toEqual(['Waiting 8 seconds for the quota of the source (source.quota).\n']);
});

it.each([
  ['in a pipe', 10, false],
  ['if the wait is short', 2, true],
])('a command says nothing of the quota %s', async (_, perSeconds, isTerminal) => {
  expect(await writtenDuring(perSeconds, isTerminal)).toEqual([]);
});

it('a command that waits only some time for the source names the quota if that is the reason', async () => {
  vi.stubEnv('TOKEN', '{"token":"t"}');
  const config = parseConfig(
    {
      source: { endpoint: 'http://127.0.0.1:9', quota: { requests: 1, perSeconds: 3_600 } },
      targets: [{ name: 'sales', projectId: 'p', workspace: 'w', credentials: 'env:TOKEN' }],
      initialFrom: '2026-01-01T00:00:00Z',
    },
    'config',
  );
  const earlier = { instances: [Date.now()] };
  const connections = await openConnections(config, () => undefined, {}, clock, earlier);
  const request = { startTimeMs: Date.now(), endTimeMs: Date.now(), filter: {}, limit: 1, offset: 0 };
  const asked = withSource(connections, config.targets[0]!, 5_000, ({ fetchPage }) => fetchPage(request));
  const failed = expect(asked).rejects.toMatchObject({
    message: expect.stringMatching(/^source\.quota allows the next request at \S+Z, not within 5 seconds$/),
    remedy: expect.stringContaining('raise source.quota'),
  });
  await vi.advanceTimersByTimeAsync(5_000);
  await failed;
});
