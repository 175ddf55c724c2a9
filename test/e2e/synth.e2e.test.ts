/** Runs `cdk synth` without credentials: with the real bundle, and with wrong configs. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { aConfig } from '../infra/synthesized.ts';
import { tempFolder } from '../support/temp-warehouse.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** Synthesizes a deployment file as `npx cdk synth` does, without AWS settings. Returns the cloud assembly's folder. */
async function synth(file: string): Promise<string> {
  const output = await tempFolder();
  const cdk = join(root, 'node_modules/aws-cdk/bin/cdk');
  const app = `${process.execPath} infra/app.ts`;
  await run(process.execPath, [cdk, 'synth', '--quiet', '--app', app, '--output', output, '-c', `config=${file}`], {
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

async function deploymentFile(text: string): Promise<string> {
  const path = join(await tempFolder(), 'mine.json');
  await writeFile(path, text);
  return path;
}

describe('cdk synth', () => {
  it('builds the stack with the bundled functions, without network or credentials', async () => {
    const deployment = { report: true, network: { caFile: 'own/ca.pem' } };
    const content = JSON.stringify({ deployment, config: aConfig() });
    const file = await deploymentFile(`// Comments are allowed.\n${content.slice(0, -1)},}`);
    const certificate = '-----BEGIN CERTIFICATE-----\n';
    await mkdir(join(dirname(file), 'own'));
    await writeFile(join(dirname(file), 'own/ca.pem'), certificate, { mode: 0o600 });
    const output = await synth(file);

    const template = await readFile(join(output, 'dqsync.template.json'), 'utf8');
    expect(
      Object.keys(z.object({ Resources: z.record(z.string(), z.unknown()) }).parse(JSON.parse(template)).Resources)
        .length,
    ).toBeGreaterThan(25);
    const assets = (await readdir(output)).filter((name) => name.startsWith('asset.'));
    const contents = await Promise.all(assets.map((name) => readdir(join(output, name))));
    expect(contents.toSorted((a, b) => a.length - b.length)).toEqual([
      ['ca.pem', 'index.mjs'],
      ['ca.pem', 'index.mjs', 'node_modules'],
    ]);
    for (const name of assets) {
      expect(await readFile(join(output, name, 'ca.pem'), 'utf8')).toBe(certificate);
      expect((await stat(join(output, name, 'ca.pem'))).mode & 0o777).toBe(0o644);
      const code = await readFile(join(output, name, 'index.mjs'), 'utf8');
      expect(/\b(from|import)"node:http"/.test(code)).toBe(false);
    }
    const asset = assets[contents.findIndex(({ length }) => length === 2)] ?? '';
    const bundle = join(output, asset, 'index.mjs');
    expect((await stat(bundle)).size).toBeLessThan(2_000_000);
    expect((await readFile(bundle, 'utf8')).includes('DuckDBInstance')).toBe(false);
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
    // The backfill's state machine depends on the names of errors, which Lambda reports to its caller.
    const { handler } = z.object({ handler: z.instanceof(Function) }).parse(await import(bundle));
    const context = { getRemainingTimeInMillis: () => 60_000, awsRequestId: 'a', functionName: 'f' };
    await expect(handler({ mode: 'other' }, context)).rejects.toMatchObject({ name: 'ConfigError' });
  });

  it('prints only an error with the wrong key', async () => {
    const file = await deploymentFile(JSON.stringify({ config: aConfig({ settleSeconds: -1 }) }));

    const failure = synth(file);

    await expect(failure).rejects.toMatchObject({
      stderr: expect.stringContaining(`${file}: "config" is not a valid`),
    });
    await expect(failure).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('"settleSeconds"') });
    await expect(failure).rejects.toMatchObject({ stderr: expect.not.stringMatching(/\n\s+at /) });
  });
});
