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

const neededMajor = 24;
const nodeFlags = ['--max-semi-space-size=8'];

if (!existsSync(new URL('main.ts', import.meta.url))) {
  // Not a literal, because the file need not exist in the repository.
  await import(new URL('../../dist/dqsync.js', import.meta.url).href);
} else if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  nodeModule.enableCompileCache();
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  restartWith(findNode());
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
    fail(
      `dqsync needs Node ${neededMajor} or later; this is ${process.version}. Install it, or run "npm ci" in dqsync.`,
    );
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
