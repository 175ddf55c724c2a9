/**
 * `dqsync sync` without its words, in a process of its own: what it costs is what is measured.
 *
 * `node sync-child.ts '<SyncSpec as JSON>'` prints a `SyncReport` as JSON.
 */
import { parseConfig } from '../../functions/config.ts';
import { openConnections } from '../../functions/connect.ts';
import type { Summary } from '../../functions/sync/plan/summary.ts';
import { runTargets } from '../../functions/sync/run.ts';

/** What to do. */
export interface SyncSpec {
  readonly config: unknown;
  /** Syncs one after the other. */
  readonly times: number;
  readonly limitMs: number | null;
}

/** What was done, and what it cost. */
export interface SyncReport {
  /** One for each sync. */
  readonly summaries: readonly Summary[];
  readonly maxRssBytes: number;
  /** User and system time of all threads while syncing. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

const spec: SyncSpec = JSON.parse(process.argv[2] ?? '');
const config = parseConfig(spec.config, 'the bench');
const { store, connect, clock } = await openConnections(config, () => undefined, {});
const summaries: Summary[] = [];
const startedAtMs = performance.now();
const cpuBefore = process.cpuUsage();
for (let time = 0; time < spec.times; time += 1) {
  summaries.push(
    ...(await runTargets({
      config,
      store,
      connect,
      clock,
      limitMs: spec.limitMs ?? Number.POSITIVE_INFINITY,
      stop: new AbortController().signal,
      log: () => undefined,
      onProgress: () => undefined,
    })),
  );
}
const { user, system } = process.cpuUsage(cpuBefore);
const report: SyncReport = {
  summaries,
  maxRssBytes: process.resourceUsage().maxRSS * 1024,
  cpuMs: (user + system) / 1000,
  wallMs: performance.now() - startedAtMs,
};
console.log(JSON.stringify(report));
