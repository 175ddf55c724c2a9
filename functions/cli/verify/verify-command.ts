/** `dqsync verify`: compares the table with the source, day by day, and with `--repair` reads again what differs. */
import type { Config, TargetConfig } from '../../config.ts';
import { toDqsyncError } from '../../errors.ts';
import type { EpochMs, Window } from '../../model.ts';
import { selectTargets } from '../../sync/targets.ts';
import { parseRange } from '../../time-range.ts';
import { isAllFine, TargetVerifier, type VerifiedTarget } from '../../verify/target-verifier.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { writeJson, writeLine } from '../terminal/output.ts';
import { settledPart } from '../terminal/past-range.ts';
import { type TerminalRun, withTerminalRun } from '../terminal/terminal-run.ts';
import { openTableView } from './table-view.ts';
import { describeVerified, verifiedJson } from './verify-report.ts';

const stoppingRepairNote =
  'Stopping: committing what a repair has proven complete. Press Ctrl-C again to exit at once.';

/** Options of `verify`. */
export interface VerifyOptions {
  readonly config: string;
  readonly target: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly repair?: boolean;
  readonly deep?: boolean;
  readonly json?: boolean;
}

/**
 * Verifies and prints the result.
 *
 * @returns 0 if the table holds everything; 1 if not, or if a target failed; 130 or 143 if interrupted
 * @throws ConfigError
 */
export async function verify(options: VerifyOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const targets = selectTargets(config, options.target);
  return await withTerminalRun(config, stoppingRepairNote, async ({ connections, bar, log, interrupt }) => {
    const window = windowOf(options, config, connections.clock.now());
    const verified: VerifiedTarget[] = [];
    for (const target of targets) {
      if (interrupt.exitCode() === null) {
        verified.push(await verifyOne({ config, options, connections, interrupt, bar, log, window }, target));
      }
    }
    report(verified, options);
    return interrupt.exitCode() ?? (verified.every(isAllFine) ? 0 : 1);
  });
}

/** The parts that all targets of one command share. */
interface Verification extends TerminalRun {
  readonly config: Config;
  readonly options: VerifyOptions;
  readonly window: Window;
}

/** Verifies one target. Its failure never stops the others. */
async function verifyOne(
  { config, options, connections, interrupt, bar, log, window }: Verification,
  target: TargetConfig,
): Promise<VerifiedTarget> {
  const verifier = new TargetVerifier({
    config,
    target,
    connections,
    openTable: (ofTarget) => openTableView(connections.store, ofTarget, config.partitionTimeZone),
    stop: interrupt.signal,
    log,
    onProgress: bar.update,
    window,
    isDeep: options.deep ?? false,
  });
  try {
    await verifier.verify();
    if (options.repair) {
      await verifier.repair();
    }
    return verifier.result(null);
  } catch (thrown) {
    return verifier.result(toDqsyncError(thrown, target.name));
  } finally {
    bar.clear();
    await verifier.close();
  }
}

function windowOf(options: VerifyOptions, config: Config, nowMs: EpochMs): Window {
  const range = parseRange(options, { from: '--from', to: '--to' }, config.partitionTimeZone);
  // The command requires both ends.
  return settledPart(range ?? { fromMs: nowMs, toMs: nowMs }, options.from, config, nowMs);
}

function report(verified: readonly VerifiedTarget[], options: VerifyOptions): void {
  if (options.json) {
    writeJson(verified.map(verifiedJson));
  } else {
    writeLine(verified.map((target) => describeVerified(target, commandOf(options))).join('\n\n'));
  }
}

function commandOf({ config, target, from, to, deep }: VerifyOptions): string {
  return [
    `dqsync verify --from ${from} --to ${to}`,
    ...target.map((name) => `--target ${name}`),
    ...(deep ? ['--deep'] : []),
    ...(config === 'dqsync.json' ? [] : [`--config ${JSON.stringify(config)}`]),
  ].join(' ');
}
