/**
 * The file that says what to deploy: `dqsync.deploy.json` in the top folder of the clone, which git ignores. cdk.json names
 * it in its context, `-c config=<file>` another.
 */
import { readFileSync } from 'node:fs';
import { configValue } from '../functions/config-text.ts';
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
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
    throw new ConfigError(code === 'ENOENT' ? 'there is no such file, which says what to deploy' : 'cannot be read', {
      remedy: 'Write one with "npx dqsync init --deploy", or name yours with -c config=<file>.',
      code,
    });
  }
  return parseDeployment(configValue(text, 'the file'));
}
