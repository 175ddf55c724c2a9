/**
 * The file that says what to deploy: `dqsync.deploy.json` in the top folder of the clone, which git ignores. cdk.json
 * names it in its context, `-c config=<file>` another.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { configFromText } from '../functions/config-text.ts';
import { ConfigError } from '../functions/errors.ts';
import { type Deployment, parseDeployment } from './deployment.ts';

/** The key of the context that names the file. */
export const fileKey = 'config';

/**
 * Reads and checks a deployment file.
 *
 * @param path relative to the working directory
 * @throws ConfigError if it cannot be read, has the wrong syntax, or a wrong key
 */
export function readDeploymentFile(path: string): Deployment {
  const text = readText(path, 'there is no such deployment file', {
    remedy: 'Write one with "npx dqsync init --deploy", or name yours with -c config=<file>.',
  });
  const { value, lineOf } = configFromText(text, 'the file');
  const deployment = parseDeployment(value, lineOf);
  const { caFile: written } = deployment.network;
  if (written === undefined) {
    return deployment;
  }
  const caFile = resolve(dirname(path), written);
  const remedy = 'Name a file of certificates in PEM form; its path is relative to the deployment file.';
  const key = '"deployment.network.caFile"';
  if (
    !readText(caFile, `${key} names ${caFile}, but there is no such file`, { remedy }).includes('BEGIN CERTIFICATE')
  ) {
    throw new ConfigError(`${key} names ${caFile}, which contains no certificate`, { remedy });
  }
  return { ...deployment, network: { ...deployment.network, caFile } };
}

/** @param missing what is wrong if the file does not exist */
function readText(path: string, missing: string, details: { readonly remedy: string }): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
    throw new ConfigError(code === 'ENOENT' ? missing : `${path} cannot be read`, { ...details, code });
  }
}
