/** Bundles the Lambda function with the options that the stack passes to CDK's NodejsFunction. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../functions/lambda/bundle-options.ts';

/** The file that Lambda loads. */
export interface Bundle {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Writes `index.mjs` to `folder`. */
export async function bundleHandler(folder: string): Promise<Bundle> {
  const path = join(folder, 'index.mjs');
  const root = join(import.meta.dirname, '../..');
  await build({
    // By default, esbuild works in the folder where it was loaded. A test may have removed that.
    absWorkingDir: root,
    entryPoints: [join(root, 'functions/lambda/handler.ts')],
    outfile: path,
    ...bundleOptions,
  });
  return { path, sizeBytes: (await stat(path)).size };
}
