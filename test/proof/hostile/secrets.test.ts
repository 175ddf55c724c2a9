/**
 * No output contains a secret. Each test plants distinct secrets in every place for one, and lets the server repeat all
 * that it receives in every part of a reply. Then it searches everything that was printed and written.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openConnections } from '../../../functions/connect.ts';
import { createHandler } from '../../../functions/lambda/create-handler.ts';
import { capturedStreams, fakeContext } from '../../lambda/sandbox.ts';
import { startSimulator } from '../../simulator/server.ts';
import { type Answer, type Received, startLoopback } from '../../source/loopback.ts';
import { callCli } from '../../support/call-cli.ts';
import { runCli } from '../../support/run-cli.ts';
import { simSource, simTarget } from '../../support/sim-config.ts';
import { tempFolder } from '../../support/temp-warehouse.ts';

const planted = {
  password: 'planted-pass "word"/+%ä-91c3',
  token: 'planted-token-4d2b',
  secretAccessKey: 'planted-secret-key-5e1f/+==',
  securityToken: 'planted-security-token-77aa',
  subjectToken: 'planted-subject-token-0b7c',
  awsSecretKey: 'planted-aws-secret-key-c0ffee',
  awsSessionToken: 'planted-aws-session-token-beef',
};

const secrets: Readonly<Record<string, object>> = {
  password: { domainName: 'acme', userName: 'reader', password: planted.password },
  token: { token: planted.token },
  accessKey: {
    accessKeyId: 'AKVISIBLE',
    secretAccessKey: planted.secretAccessKey,
    securityToken: planted.securityToken,
  },
};

/** Returns a secret unchanged, escaped and encoded. */
function encodingsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64');
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    base64.replace(/=+$/, ''),
    Buffer.from(secret).toString('hex'),
  ];
}

function expectNoSecret(where: string, text: string): void {
  for (const [name, secret] of Object.entries(planted)) {
    for (const encoding of encodingsOf(secret)) {
      expect(text.includes(encoding), `${name} in ${where}`).toBe(false);
    }
  }
}

/** The source's replies to a list request, most of which repeat the request. */
const replies: Readonly<Record<string, (heard: string) => Answer>> = {
  'repeats it in error_msg, 400': (heard) => json(400, { error_code: 'DQC.1', error_msg: heard }),
  'repeats it in error_code and request_id, 403': (heard) => json(403, { error_code: heard, request_id: heard }),
  'repeats it in x-request-id, 400': (heard) => ({
    status: 400,
    headers: { 'x-request-id': encodeURI(heard.slice(0, 900)) },
    body: '{"error_code":"DQC.1"}',
  }),
  'repeats it with 401': (heard) => json(401, { error_code: 'APIG.0301', error_msg: heard }),
  'repeats it as HTML, 200': (heard) => ({ status: 200, headers: { 'content-type': 'text/html' }, body: heard }),
  'repeats it as a redirect': (heard) => ({ status: 302, headers: { location: encodeURI(heard.slice(0, 900)) } }),
  'breaks off': () => 'reset',
};

/** The replies of IAM. */
const iamReplies: Readonly<Record<string, (heard: string) => Answer>> = {
  'gives a token': () => ({
    status: 201,
    headers: { 'x-subject-token': planted.subjectToken },
    body: JSON.stringify({ token: { expires_at: '2099-01-01T00:00:00Z' } }),
  }),
  'repeats it with 401': (heard) => json(401, { error: { code: 401, message: heard } }),
  'repeats it with 500': (heard) => json(500, { error: { code: heard, message: heard } }),
  'gives no token': (heard) => ({ status: 201, body: heard }),
};

function json(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body) };
}

function heardIn({ headers, body, url }: Received): string {
  return `${body} ${Object.values(headers).join(' ')} ${url.href}`;
}

/** Writes config and secret into a new folder. */
async function configure(secret: string, endpoint: string, warehouse = 'file:./warehouse'): Promise<string> {
  const folder = await tempFolder();
  await mkdir(join(folder, 'private'));
  await writeFile(join(folder, 'private', 'secret.json'), secret);
  const config = {
    warehouse,
    source: simSource({ url: endpoint, iamUrl: endpoint }),
    targets: [simTarget(`file:${join(folder, 'private', 'secret.json')}`)],
    initialFrom: new Date(Date.now() - 3_600_000).toISOString(),
    maxRunSeconds: 2,
  };
  await writeFile(join(folder, 'dqsync.json'), JSON.stringify(config));
  return folder;
}

async function expectNothingIn(folder: string, printed: string): Promise<void> {
  expectNoSecret('what was printed', printed);
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of names.filter((one) => one.isFile() && !one.parentPath.endsWith('/private'))) {
    expectNoSecret(entry.name, await readFile(join(entry.parentPath, entry.name), 'latin1'));
  }
}

const cases = Object.keys(secrets).flatMap((form) => [
  ...Object.keys(replies).map((reply) => [form, reply, 'gives a token'] as const),
  ...(form === 'password'
    ? Object.keys(iamReplies)
        .slice(1)
        .map((reply) => [form, 'breaks off', reply] as const)
    : []),
]);

describe('a secret', () => {
  it.for(cases)(
    'a secret of the form %s appears nowhere if the source %s and IAM %s',
    async ([form, reply, iamReply]) => {
      const server = await startLoopback((received) => {
        const act = received.method === 'POST' ? iamReplies[iamReply] : replies[reply];
        return act?.(heardIn(received)) ?? 'reset';
      });
      const folder = await configure(JSON.stringify(secrets[form]), server.url);
      // The log of `sync` has the reason of each retry, and retries of `list` would take long.
      const isRetried = /HTML|breaks off/.test(reply);
      const commands = isRetried ? ['sync'] : ['sync', 'list'];
      const runs = await Promise.all(commands.map((command) => callCli([command, '--json'], { cwd: folder })));
      expect(runs.at(-1)?.stdout).toMatch(/"error": \{|"done": false/);
      expect(server.received.map(heardIn).join()).toMatch(/planted|SDK-HMAC/);
      await expectNothingIn(folder, runs.map((run) => run.stdout + run.stderr).join());
    },
  );

  it.for(Object.keys(secrets))(
    'of the form %s appears nowhere in the log, metrics and errors of the Lambda',
    async (form) => {
      const server = await startLoopback((received) =>
        received.method === 'POST'
          ? (iamReplies['gives a token']?.('') ?? 'reset')
          : json(401, { error_code: 'APIG.0301', error_msg: heardIn(received) }),
      );
      const folder = await configure(JSON.stringify(secrets[form]), server.url);
      const config = JSON.parse(await readFile(join(folder, 'dqsync.json'), 'utf8'));
      const environment = {
        DQSYNC_CONFIG: JSON.stringify({ ...config, warehouse: `file:${join(folder, 'warehouse')}` }),
        AWS_SECRET_ACCESS_KEY: planted.awsSecretKey,
      };
      const handler = createHandler({ environment, open: openConnections });
      const chunks = capturedStreams();
      const events = [{}, { mode: planted.token }, { targets: [planted.token] }, planted.password];
      const errors: unknown[] = [];
      for (const event of events) {
        errors.push(await handler(event, fakeContext()).catch((thrown: unknown) => thrown));
      }
      expect(errors.every((error) => error instanceof Error)).toBe(true);
      expect(chunks.join('')).toContain('APIG.0301');
      const inspected = errors.map((error) => inspect(error, { depth: null, showHidden: true, getters: true }));
      await expectNothingIn(folder, chunks.join('') + inspected.join());
    },
  );

  it('appears nowhere in a successful run', async () => {
    const account = {
      user: 'reader',
      password: { domainName: 'acme', userName: 'reader', password: planted.password },
    };
    const simulator = await startSimulator({ accounts: [account] });
    onTestFinished(() => simulator.close());
    simulator.life.addExecution({ startTimeMs: Date.now() - 600_000 });
    const folder = await configure(JSON.stringify(account.password), simulator.url);
    const commands = [['sync'], ['status'], ['doctor'], ['list'], ['query', 'FROM quality_instances']];
    for (const args of commands) {
      const run = await runCli(args, { cwd: folder });
      expect(run.exitCode).toBe(0);
      await expectNothingIn(folder, run.stdout + run.stderr);
    }
  });

  it.each([
    ['AccessDenied', 403],
    ['InvalidAccessKeyId', 403],
    ['SignatureDoesNotMatch', 403],
  ])('a secret of AWS appears nowhere if S3 returns %s and echoes the request', async (code, status) => {
    const server = await startLoopback((received) => ({
      status,
      headers: { 'content-type': 'application/xml' },
      body: `<Error><Code>${code}</Code><Message>${heardIn(received).replace(/[<&]/g, '')}</Message></Error>`,
    }));
    const folder = await configure(JSON.stringify(secrets['token']), server.url, 's3://bucket');
    const env = {
      AWS_ENDPOINT_URL: server.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'AKVISIBLE',
      AWS_SECRET_ACCESS_KEY: planted.awsSecretKey,
      AWS_SESSION_TOKEN: planted.awsSessionToken,
    };
    const run = await runCli(['sync'], { cwd: folder, env });
    expect(run.exitCode).toBe(1);
    expect(server.received.map(heardIn).join()).toContain(planted.awsSessionToken);
    await expectNothingIn(folder, run.stdout + run.stderr);
  });
});
