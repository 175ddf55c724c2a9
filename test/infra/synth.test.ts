/** `cdk synth` as one runs it, without credentials: the real bundle, and what a wrong config says. */
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import cdkJson from '../../cdk.json' with { type: 'json' };
import { tempFolder } from '../support/temp-warehouse.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** Synthesizes as `npx cdk synth` does, in an environment that knows no AWS; the cloud assembly's folder. */
async function synth(...options: readonly string[]): Promise<string> {
  const output = await tempFolder();
  const cdk = join(root, 'node_modules/aws-cdk/bin/cdk');
  const app = `${process.execPath} infra/app.ts`;
  await run(process.execPath, [cdk, 'synth', '--quiet', '--app', app, '--output', output, ...options], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      HOME: output,
      CDK_DISABLE_CLI_TELEMETRY: '1',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  });
  return output;
}

describe('cdk synth', () => {
  it('makes the stack with the bundled function, with neither network nor credentials', async () => {
    const output = await synth();

    const template = await readFile(join(output, 'dqsync.template.json'), 'utf8');
    expect(
      Object.keys(z.object({ Resources: z.record(z.string(), z.unknown()) }).parse(JSON.parse(template)).Resources)
        .length,
    ).toBeGreaterThan(25);
    const [asset = ''] = (await readdir(output)).filter((name) => name.startsWith('asset.'));
    expect(await readdir(join(output, asset))).toEqual(['index.mjs']);
    const bundle = join(output, asset, 'index.mjs');
    expect((await stat(bundle)).size).toBeLessThan(2_000_000);
    expect((await readFile(bundle, 'utf8')).includes('DuckDBInstance')).toBe(false);
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
    // Lambda tells its caller the name of an error, by which the backfill's state machine goes.
    const { handler } = z.object({ handler: z.instanceof(Function) }).parse(await import(bundle));
    const context = { getRemainingTimeInMillis: () => 60_000, awsRequestId: 'a', functionName: 'f' };
    await expect(handler({ mode: 'other' }, context)).rejects.toMatchObject({ name: 'ConfigError' });
  });

  it('says which key is wrong, and no more', async () => {
    const { config } = cdkJson.context.dqsync;
    const wrong = JSON.stringify({ config: { ...config, settleSeconds: -1 }, deployment: {} });

    const failure = synth('-c', `dqsync=${wrong}`);

    await expect(failure).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('"settleSeconds"') });
    await expect(failure).rejects.toMatchObject({ stderr: expect.not.stringMatching(/\n\s+at /) });
  });
});
