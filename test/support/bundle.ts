/** Bundles the Lambda function with the options that the stack passes to CDK's NodejsFunction. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** The file that Lambda loads. */
export interface Bundle {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Writes `index.mjs` to `folder`.
 *
 * The bundle contains the AWS SDK, because that fixes its version and loads faster than from the runtime.
 * `fs-native-extensions` is native, and only a `file:` warehouse needs it. CommonJS packages in an ES module need a
 * `require`.
 */
export async function bundleHandler(folder: string): Promise<Bundle> {
  const path = join(folder, 'index.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, '../../functions/lambda/handler.ts')],
    outfile: path,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    external: ['fs-native-extensions'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  return { path, sizeBytes: (await stat(path)).size };
}
