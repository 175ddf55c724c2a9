#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=8
/**
 * Starts dqsync: the bundle in the installed package, otherwise the sources on a Node that runs TypeScript, which is
 * this one if it is new enough or the one that npm installed beside dqsync. Plain JavaScript that old versions of Node
 * understand.
 *
 * The first line keeps the process small. On a machine with much memory, V8 lets its young generation grow to 48 MB; half
 * of that costs no time. A single arena of glibc saves 15 MB, because otherwise each of a dozen threads has its own.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
// Imported as a whole: old versions of Node have no enableCompileCache, so a named import would fail here.
import nodeModule from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = new URL('main.ts', import.meta.url);
const isClone = existsSync(sources);
// In a package, the bundle is beside this file (build.js copies it there) or in dist.
const bundles = ['main.js', '../../dist/main.js'].map((path) => new URL(path, import.meta.url));
const needed = isClone ? [24, 0] : [22, 21];
const nodeFlags = ['--max-semi-space-size=8'];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  nodeModule.enableCompileCache();
  const { main } = await import(isClone ? sources.href : bundles.find(existsSync).href);
  process.exitCode = await main(process.argv.slice(2));
} else if (isClone) {
  restartWith(findNode());
} else {
  fail(`dqsync needs Node ${needed.join('.')} or later; this is ${process.version}. Install a newer one.`);
}

/** @returns {string | null} the path of the node in node_modules */
function findNode() {
  try {
    const folder = dirname(nodeModule.createRequire(import.meta.url).resolve('node/package.json'));
    return join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    return null;
  }
}

/** @param {string | null} node */
function restartWith(node) {
  if (node === null) {
    fail(`dqsync needs Node ${needed[0]} or later; this is ${process.version}. Install it, or run "npm ci" in dqsync.`);
    return;
  }
  // The real path, because argv[1] may be a symlink. The options of this Node are not passed on, because the other may
  // not know them.
  const child = spawn(node, [...nodeFlags, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // On a terminal, Ctrl-C also reaches the child directly. Signals that arrive together count as one there
  // (interrupt.ts).
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const forward = (signal) => child.kill(signal);
  for (const signal of signals) {
    process.on(signal, forward);
  }
  child.on('error', (error) => fail(`dqsync cannot start ${node}: ${error.message}. Run "npm ci" in dqsync again.`));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
    if (signal !== null) {
      for (const name of signals) {
        process.off(name, forward);
      }
      process.kill(process.pid, signal);
    }
  });
}

/** @param {string} message */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
}
