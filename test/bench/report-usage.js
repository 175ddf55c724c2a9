/**
 * Preloaded into the process that is measured: when it ends, writes what it used to the file that the environment names.
 * JavaScript, so that no TypeScript is compiled for it.
 */
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  writeFileSync(process.env['DQSYNC_BENCH_USAGE'] ?? '', JSON.stringify(process.resourceUsage()));
});
