/** A config for one target of a simulated source. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultAccount } from '../simulator/accounts.ts';
import { defaultWorkspace, type Simulator } from '../simulator/server.ts';

/** A quota that slows nothing down. */
export const unlimited = { requests: 1_000_000, perSeconds: 1 };

/** Returns the key `source` of a config. */
export function simSource({ url, iamUrl }: Pick<Simulator, 'url' | 'iamUrl'>, quota: object = unlimited) {
  return { endpoint: url, iamEndpoint: iamUrl, quota };
}

/** Returns the target `sales`, with changed keys. */
export function simTarget(credentials: string, changes: Readonly<Record<string, unknown>> = {}) {
  return { name: 'sales', ...defaultWorkspace, credentials, ...changes };
}

/** Writes a secret into a folder. Returns the reference to it. */
export async function writeSecret(folder: string, secret: object = defaultAccount.password): Promise<string> {
  const path = join(folder, 'secret.json');
  await writeFile(path, JSON.stringify(secret));
  return `file:${path}`;
}
