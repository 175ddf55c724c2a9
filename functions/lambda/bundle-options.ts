/** How esbuild bundles a function. */
import { join } from 'node:path';
import { type BuildOptions, buildSync } from 'esbuild';

/**
 * One ES module.
 *
 * The AWS SDK is bundled, so that its version is ours; it also loads faster than the runtime's. `fs-native-extensions`
 * is native, and only a `file:` warehouse needs it. CommonJS packages in an ES module need a `require`.
 */
export const bundleOptions = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  // Lambda reports the name of an error to its caller, for example a state machine.
  keepNames: true,
  external: ['fs-native-extensions'],
  alias: { 'node:http': join(import.meta.dirname, '../network/node-http.cjs') },
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  logLevel: 'error',
} satisfies BuildOptions;

/** Bundles the function that runs dqsync, as `index.mjs` in a folder. */
export function bundleHandler(folder: string): void {
  buildSync({
    // By default, esbuild works in the folder where it was loaded, which may be gone.
    absWorkingDir: import.meta.dirname,
    entryPoints: [join(import.meta.dirname, 'handler.ts')],
    outfile: join(folder, 'index.mjs'),
    ...bundleOptions,
  });
}
