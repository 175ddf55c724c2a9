#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=8
/**
 * Starts the installed dqsync, which is plain JavaScript (build.js copies this file beside it). For the first line, see
 * dqsync.js.
 */
// Imported as a whole: old versions of Node have no enableCompileCache, so a named import would fail here.
import nodeModule from 'node:module';

const needed = [22, 19];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  nodeModule.enableCompileCache();
  // Not a literal, because the file does not exist in the repository.
  const { main } = await import(new URL('main.js', import.meta.url).href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  process.stderr.write(
    `dqsync needs Node ${needed.join('.')} or later; this is ${process.version}. Install a newer one.\n`,
  );
  process.exitCode = 2;
}
