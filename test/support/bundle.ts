/** Bundles the Lambda function as the stack does. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleHandler as bundle } from '../../functions/lambda/bundle-options.ts';

/** The file that Lambda loads. */
export interface Bundle {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Writes `index.mjs` to `folder`. */
export async function bundleHandler(folder: string): Promise<Bundle> {
  bundle(folder);
  const path = join(folder, 'index.mjs');
  return { path, sizeBytes: (await stat(path)).size };
}
