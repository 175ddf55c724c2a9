/**
 * Builds the function that publishes the report. A process of its own, because CDK bundles synchronously and esbuild
 * runs plugins only asynchronously:
 *
 * node functions/lambda/report/build.ts <folder> <arm64|x64>
 *
 * The folder gets one ES module and, beside it, the native library of DuckDB for that processor.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { builtPage } from '../../report/build-page.js';
import { bundleOptions } from '../bundle-options.ts';

const [folder = '', processor = ''] = process.argv.slice(2);
const library = `node_modules/@duckdb/node-bindings-linux-${processor}`;

await build({
  entryPoints: [join(import.meta.dirname, 'handler.ts')],
  outfile: join(folder, 'index.mjs'),
  ...bundleOptions,
  // Without detect-libc, DuckDB takes the library for glibc, which is that of Lambda. Copies of data files need no
  // lock.
  external: [...bundleOptions.external, '@duckdb/node-bindings-*', 'detect-libc'],
  plugins: [builtPage],
});
cpSync(join(import.meta.dirname, '../../..', library), join(folder, library), { recursive: true });
