import { describe, expect, it, vi } from 'vitest';
import { openConnections } from '../../functions/connect.ts';
import { createHandler } from '../../functions/lambda/create-handler.ts';
import { defaultAccount } from '../simulator/accounts.ts';
import { startLoopback } from '../source/loopback.ts';
import { changeConfig, deploy, rowsFromMs } from './sandbox.ts';

const emptyWords = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
const missingWords = "Secrets Manager can't find the specified secret.";

/**
 * Starts a function whose secret is in Secrets Manager, with a changeable reply: a value, or the message of a refusal.
 */
async function deployWithSecret(first: string | object) {
  let answer = first;
  const manager = await startLoopback(() => ({
    status: typeof answer === 'string' ? 400 : 200,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify(
      typeof answer === 'string'
        ? { __type: 'ResourceNotFoundException', Message: answer }
        : { SecretString: JSON.stringify(answer) },
    ),
  }));
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', manager.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  const sandbox = await deploy();
  changeConfig(sandbox, ({ targets, ...config }) => ({
    ...config,
    targets: targets.map((target) => ({ ...target, credentials: 'secretsmanager:dataarts/sales' })),
  }));
  sandbox.simulator.life.addMany(120, { fromMs: rowsFromMs, toMs: rowsFromMs + 3_600_000 });
  return { sandbox, answerWith: (next: string | object) => (answer = next) };
}

describe('a secret without a value', () => {
  it('makes a target without coverage wait, with one log line and neither a failure nor an age', async () => {
    const { sandbox, answerWith } = await deployWithSecret(emptyWords);

    const [waiting] = await sandbox.handler({}, sandbox.context());

    expect(waiting).toMatchObject({ done: false, waitingFor: 'credentials', from: null, to: null, watermark: null });
    expect(waiting).not.toHaveProperty('error');
    expect(sandbox.logs().filter(({ level }) => level === 'ERROR')).toEqual([]);
    expect(sandbox.logs().filter(({ level }) => level === 'WARN')).toMatchObject([
      { message: expect.stringMatching(/^waiting for credentials: the secret .* has no value yet\. Store one: aws /) },
    ]);
    expect(sandbox.metrics()).toEqual([]);
    await sandbox.handler({ mode: 'maintain' }, sandbox.context());
    expect(sandbox.metrics().filter((emf) => 'WatermarkAge' in emf)).toEqual([]);

    answerWith(defaultAccount.accessKeys[0]);
    const [first] = await sandbox.handler({}, sandbox.context());
    expect(first).toMatchObject({ done: true, rowsWritten: 120 });
    expect(first).not.toHaveProperty('waitingFor');
  });

  it('fails a backfill, because it was started by hand', async () => {
    const { sandbox } = await deployWithSecret(emptyWords);
    const event = { mode: 'backfill', from: new Date(rowsFromMs).toISOString(), to: new Date().toISOString() };
    await expect(sandbox.handler(event, sandbox.context())).rejects.toThrow('has no value yet');
  });

  it('fails a target with coverage, because the secret was emptied', async () => {
    const { sandbox, answerWith } = await deployWithSecret(defaultAccount.accessKeys[0]);
    await sandbox.handler({}, sandbox.context());
    answerWith(emptyWords);
    // A new sandbox, because the old one keeps the credentials that it has read.
    const cold = createHandler({ environment: sandbox.environment, open: openConnections });
    await expect(cold({}, sandbox.context())).rejects.toThrow('has no value yet');
  });

  it('is distinguished from a secret that does not exist', async () => {
    const { sandbox } = await deployWithSecret(missingWords);
    await expect(sandbox.handler({}, sandbox.context())).rejects.toThrow('cannot be read from Secrets Manager');
  });
});
