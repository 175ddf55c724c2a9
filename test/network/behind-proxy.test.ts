/**
 * A machine that can reach only its proxy: only the proxy resolves the names of source, IAM, S3 and Secrets Manager.
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addExecutions, aWorld, type World } from '../cli/world.ts';
import { defaultAccount } from '../simulator/accounts.ts';
import { startLoopback } from '../source/loopback.ts';
import { type ConnectProxyOptions, startConnectProxy } from '../support/connect-proxy.ts';
import { FakeS3 } from '../support/fake-s3.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { selfSigned } from '../support/self-signed.ts';

const portal = 'portal.sso.eu-west-1.amazonaws.com';
const certificate = selfSigned({ hosts: ['source.test', 'iam.test', 's3.test', 'secrets.test', portal] });

/** Starts a TLS server in front of a plain one. Returns its port. */
async function overTls(upstream: string): Promise<number> {
  const proxy = await FaultProxy.open({ upstream, tls: certificate });
  onTestFinished(() => proxy.close());
  return Number(new URL(proxy.url).port);
}

async function behindProxy(options: Partial<ConnectProxyOptions> = {}) {
  const world = await aWorld();
  addExecutions(world, 120);
  const s3 = await FakeS3.start();
  const secretText = JSON.stringify(defaultAccount.password);
  const secrets = await startLoopback(() => ({
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({ SecretString: secretText }),
  }));
  await writeFile(join(world.folder, 'ca.pem'), certificate.cert);
  await world.configure((config) => {
    config['warehouse'] = `s3://${s3.bucket}/dq`;
    config['storage'] = { pathStyle: true };
    config.source['endpoint'] = 'https://source.test';
    config.source['iamEndpoint'] = 'https://iam.test';
    config.targets[0]!['credentials'] = 'secretsmanager:dataarts/sales';
  });
  const proxy = await startConnectProxy({
    names: {
      'source.test:443': await overTls(world.simulator.url),
      'iam.test:443': await overTls(world.simulator.iamUrl),
      's3.test:443': await overTls(s3.endpoint),
      'secrets.test:443': await overTls(secrets.url),
    },
    ...options,
  });
  const env: Record<string, string> = {
    ...s3.environment,
    AWS_ENDPOINT_URL_S3: 'https://s3.test',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: 'https://secrets.test',
    NODE_EXTRA_CA_CERTS: 'ca.pem',
    HTTPS_PROXY: `http://planted-user:planted-pass@127.0.0.1:${proxy.port}`,
  };
  return { world, s3, proxy, env };
}

type Env = Readonly<Record<string, string>>;

/** Runs a command, as a process where it must trust `NODE_EXTRA_CA_CERTS`, which Node reads only when it starts. */
const shown = async (world: World, args: readonly string[], env: Env, how: 'call' | 'cli' = 'call') => {
  const { exitCode, stdout, stderr } = await world[how](args, { env });
  expect(stdout + stderr).not.toMatch(/planted-(user|pass)/);
  return { exitCode, text: stdout + stderr };
};

describe('behind a proxy that is the only way out', () => {
  it('a sync reads source, IAM and Secrets Manager and writes to S3 through the proxy', async () => {
    const { world, s3, proxy, env } = await behindProxy({ credentials: 'planted-user:planted-pass' });

    const { exitCode, text } = await shown(world, ['sync'], env, 'cli');

    expect(text).toContain('120 rows written');
    expect(exitCode).toBe(0);
    expect([...new Set(proxy.asked)].sort()).toEqual([
      'CONNECT iam.test:443',
      'CONNECT s3.test:443',
      'CONNECT secrets.test:443',
      'CONNECT source.test:443',
    ]);
    expect([...s3.objects.keys()].filter((key) => key.endsWith('.parquet')).length).toBeGreaterThan(0);
    expect((await shown(world, ['doctor'], env, 'cli')).exitCode).toBe(0);
  });

  it.each([
    [{ refusal: 403 }, /the proxy http:\/\/127\.0\.0\.1:\d+ refused to connect to s3\.test.*HTTP 403.*allow s3\.test/s],
    [{ credentials: 'another:one' }, /refused to connect to s3\.test.*HTTP 407.*http:\/\/<user>:<password>@/s],
    [{ names: {} }, /refused to connect to s3\.test.*HTTP 502.*AWS_ENDPOINT_URL/s],
  ])('a refusal names S3, the proxy and its reason: %j', async (options, message) => {
    const { world, env } = await behindProxy(options);
    const { exitCode, text } = await shown(world, ['sync'], env);
    expect(text).toMatch(message);
    expect(text.match(/HTTP 4|HTTP 5/g)).toHaveLength(1);
    expect(exitCode).toBe(1);
  });

  it('each client names its host and the proxy if the proxy is unreachable', async () => {
    const { world, env } = await behindProxy();
    const gone = { ...env, HTTPS_PROXY: 'http://planted-user:planted-pass@127.0.0.1:9' };
    const reaches = (host: string): string => `the proxy http://127.0.0.1:9, on the way to ${host}, cannot be reached`;

    const { text } = await shown(world, ['doctor'], gone);
    expect(text).toContain(reaches('s3.test'));
    expect(text).toContain(reaches('secrets.test'));
    await world.configure((config) => {
      config.source['endpoint'] = 'https://source.test';
      config.source['iamEndpoint'] = 'https://iam.test';
    });
    expect((await shown(world, ['doctor'], gone)).text).toContain(reaches('iam.test'));
    await world.write('secret.json', JSON.stringify({ token: defaultAccount.tokens[0] }));
    expect((await shown(world, ['doctor'], gone)).text).toContain(reaches('source.test'));
  });

  it('NO_PROXY bypasses the proxy, so that this machine resolves the name', async () => {
    const { world, proxy, env } = await behindProxy();
    const { text } = await shown(world, ['sync'], { ...env, NO_PROXY: '.test' });
    expect(text).toContain('cannot connect to s3.test');
    expect(proxy.asked).toEqual([]);
  });

  it('a source of plain http, which is on loopback, is reached directly', async () => {
    const world = await aWorld();
    addExecutions(world, 10);
    const proxy = await startConnectProxy({ names: {} });

    const { exitCode, text } = await shown(world, ['sync'], { http_proxy: proxy.url, HTTPS_PROXY: proxy.url });

    expect(text).toContain('10 rows written');
    expect(exitCode).toBe(0);
    expect(proxy.asked).toEqual([]);
  });
});

describe('other ways through the proxy', () => {
  const inFolder = async (config: (s3: FakeS3) => Record<string, unknown>) => {
    const world = await aWorld();
    addExecutions(world, 10);
    const s3 = await FakeS3.start();
    await world.configure((document) => Object.assign(document, config(s3)));
    return { world, s3 };
  };

  it('credentials of "aws sso login" are fetched through the proxy', async () => {
    const { world, s3 } = await inFolder(({ bucket }) => ({
      warehouse: `s3://${bucket}`,
      storage: { pathStyle: true },
    }));
    const role = { accessKeyId: 'AK', secretAccessKey: 'planted-sk', sessionToken: 'planted-st', expiration: 4e12 };
    const sso = await startLoopback(() => ({ body: JSON.stringify({ roleCredentials: role }) }));
    const proxy = await startConnectProxy({
      names: { 's3.test:443': await overTls(s3.endpoint), [`${portal}:443`]: await overTls(sso.url) },
    });
    const cache = join(world.folder, '.aws/sso/cache');
    await mkdir(cache, { recursive: true });
    const token = { accessToken: 'planted-token', expiresAt: '2099-01-01T00:00:00Z' };
    await writeFile(join(cache, `${createHash('sha1').update('corp').digest('hex')}.json`), JSON.stringify(token));
    const profile = '[profile corp]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = dq\n';
    const session = '[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n';
    await world.write('.aws/config', profile + session);
    await world.write('ca.pem', certificate.cert);

    const env = {
      AWS_PROFILE: 'corp',
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_S3: 'https://s3.test',
      NODE_EXTRA_CA_CERTS: 'ca.pem',
      HTTPS_PROXY: proxy.url,
    };
    const { exitCode, text } = await shown(world, ['sync'], env, 'cli');

    expect(text).toContain('10 rows written');
    expect(exitCode).toBe(0);
    expect(proxy.asked).toContain(`CONNECT ${portal}:443`);
    expect(sso.received[0]?.headers['x-amz-sso_bearer_token']).toBe('planted-token');
  });

  it('an unusable proxy is refused before the first request', async () => {
    const world = await aWorld();
    await world.configure((config) => {
      config.source['endpoint'] = 'https://source.test';
    });
    const named = { https_proxy: 'socks5://planted-user:planted-pass@p:1' };
    const { exitCode, text } = await shown(world, ['doctor'], named);
    expect(text).toMatch(/^✗ config +HTTPS_PROXY is not the URL of a proxy.*add source\.test to NO_PROXY\.\n$/);
    expect(exitCode).toBe(2);
  });

  it.each([
    ['runs', 'bucket.s3.eu-west-1.amazonaws.com'],
    ['smoke dqsync', 'cloudformation.eu-west-1.amazonaws.com'],
  ])('"dqsync %s" refuses an unusable proxy with the host that needs it: %s', async (command, host) => {
    const world = await aWorld();
    await world.configure((config) => {
      config['warehouse'] = 's3://bucket';
    });
    const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_REGION: 'eu-west-1' };
    const named = { ...keys, https_proxy: 'socks5://planted-user:planted-pass@p:1' };
    const { exitCode, text } = await shown(world, command.split(' '), named);
    expect(text).toContain(`add ${host} to NO_PROXY`);
    expect(exitCode).toBe(2);
  });

  it('a store of plain http uses HTTP_PROXY, and its 407 is explained', async () => {
    const { world, s3 } = await inFolder(({ bucket }) => ({
      warehouse: `s3://${bucket}`,
      storage: { pathStyle: true },
    }));
    const proxy = await startConnectProxy({
      names: { 'minio.test:9000': Number(new URL(s3.endpoint).port) },
      credentials: 'planted-user:planted-pass',
    });
    const named = { ...s3.environment, AWS_ENDPOINT_URL_S3: 'http://minio.test:9000', NO_PROXY: '127.0.0.1' };

    const login = `http://planted-user:planted-pass@127.0.0.1:${proxy.port}`;
    const { exitCode, text } = await shown(world, ['sync'], { ...named, HTTP_PROXY: login });
    expect(text).toContain('10 rows written');
    expect(exitCode).toBe(0);
    const refused = await shown(world, ['sync'], { ...named, HTTP_PROXY: proxy.url });
    expect(refused.text).toMatch(/the proxy refused the request.*set HTTP_PROXY to http:\/\/<user>/);
    const direct = await shown(world, ['sync'], { ...named, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1,test' });
    expect(direct.text).toContain('cannot connect to minio.test:9000');
  });
});

describe('behind a private certificate authority', () => {
  it.each([
    ['S3', 's3.test', ['sync']],
    ['Secrets Manager', 'secrets.test', ['doctor']],
  ])('%s is named with the code and NODE_EXTRA_CA_CERTS', async (_who, host, args) => {
    const { world, env } = await behindProxy();
    const { text } = await shown(world, args, { ...env, NODE_EXTRA_CA_CERTS: '' });
    expect(text).toMatch(new RegExp(`cannot open a secure connection to ${host} through the proxy http://127`));
    expect(text).toContain(`does not trust the authority that signed the certificate of ${host}`);
    expect(text).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(text).toContain('NODE_EXTRA_CA_CERTS');
  });

  it.each([
    ['the source', 'source.test', { token: defaultAccount.tokens[0] }],
    ['IAM', 'iam.test', defaultAccount.password],
  ])('%s is named with the code and NODE_EXTRA_CA_CERTS', async (_who, host, secret) => {
    const { world, env } = await behindProxy();
    await world.configure((config) => {
      config.source['endpoint'] = 'https://source.test';
      config.source['iamEndpoint'] = 'https://iam.test';
    });
    await world.write('secret.json', JSON.stringify(secret));
    const { text } = await shown(world, ['sync'], { ...env, NODE_EXTRA_CA_CERTS: '' });
    expect(text).toMatch(new RegExp(`cannot open a secure connection to ${host} through the proxy http://127`));
    expect(text).toContain(`does not trust the authority that signed the certificate of ${host}`);
    expect(text.match(/DEPTH_ZERO_SELF_SIGNED_CERT/g)).toHaveLength(1);
    expect(text).toContain('NODE_EXTRA_CA_CERTS');
  });
});
