#!/usr/bin/env node
/**
 * Builds the package that npm installs: the command line as bundled plain JavaScript. `npm pack` runs it.
 *
 * node functions/cli/build.js [folder] (default: dist)
 *
 * A bundle starts in half the time, because it is one file instead of some 600 and no types are stripped. Native
 * modules stay outside; package.json lists them as the only dependencies.
 */
import { chmodSync, copyFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { builtPage } from '../report/build-page.js';

const here = dirname(fileURLToPath(import.meta.url));
const folder = resolve(process.argv[2] ?? join(here, '../../dist'));

/**
 * Thrift, which writes parquetjs-lite's footers, calls `Buffer` as a constructor. Node allows that in node_modules, but
 * prints a warning for a bundle.
 */
const withoutBufferConstructor = {
  name: 'without-buffer-constructor',
  setup(bundler) {
    bundler.onLoad({ filter: /[\\/](thrift|parquetjs-lite|node-int64)[\\/].*\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      return { contents: text.replaceAll(/\bnew Buffer\(/g, '__bufferOf('), loader: 'js' };
    });
  },
};

const banner = [
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
  "const __bufferOf = (from, encoding) => (typeof from === 'number' ? Buffer.alloc(from) : Buffer.from(from, encoding));",
];

rmSync(folder, { recursive: true, force: true });
await build({
  entryPoints: { main: join(here, 'main.ts') },
  outdir: folder,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  // Each command loads only what it needs.
  splitting: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  mainFields: ['module', 'main'],
  external: ['@duckdb/node-api', 'fs-native-extensions'],
  alias: { 'node:http': join(here, '../network/node-http.cjs') },
  banner: { js: banner.join('\n') },
  plugins: [withoutBufferConstructor, builtPage],
  legalComments: 'linked',
  logLevel: 'warning',
});
const start = join(folder, 'dqsync.js');
copyFileSync(join(here, 'dqsync.js'), start);
chmodSync(start, 0o755);
