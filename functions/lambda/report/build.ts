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

const [folder = '', processor = ''] = process.argv.slice(2);
const library = `node_modules/@duckdb/node-bindings-linux-${processor}`;

await build({
  entryPoints: [join(import.meta.dirname, 'handler.ts')],
  outfile: join(folder, 'index.mjs'),
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  // Without detect-libc, DuckDB takes the library for glibc, which is that of Lambda. Copies of data files need no
  // lock.
  external: ['@duckdb/node-bindings-*', 'detect-libc', 'fs-native-extensions'],
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  plugins: [builtPage],
  logLevel: 'error',
});
cpSync(join(import.meta.dirname, '../../..', library), join(folder, library), { recursive: true });
