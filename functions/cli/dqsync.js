#!/usr/bin/env node
/**
 * Starts dqsync on a node that runs TypeScript as it is: this one if it is new enough, else the one that npm installed
 * beside dqsync. Plain JavaScript that old nodes understand.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

const neededMajor = 24;

if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  restartWith(findNode());
}

/** @returns {string | null} the path of the node in node_modules */
function findNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
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
  // The real path, not argv[1]: that one may be a symlink in a folder without package.json.
  const script = new URL(import.meta.url).pathname;
  const child = spawn(node, [...process.execArgv, decodeURIComponent(script), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // On a terminal Ctrl-C reaches the child by itself too; signals that come together count as one there (interrupt.ts).
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
