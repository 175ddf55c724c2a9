/** `dqsync verify`: compares the table with the source, day by day, and with `--repair` reads again what differs. */
import { dayInTimeZone } from '../../clock.ts';
import type { Config } from '../../config.ts';
import type { EpochMs, Window } from '../../model.ts';
import { selectTargets, settingsOf } from '../../sync/targets.ts';
import { parseRange, parseTimeArgument } from '../../time-range.ts';
import { isAllFine, type VerifiedTarget, verifyTarget } from '../../verify/target-verifier.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { writeResult } from '../terminal/output.ts';
import { commandWith, type RangeOptions } from '../terminal/range.ts';
import { withTerminalRun } from '../terminal/terminal-run.ts';
import { openTableView } from './table-view.ts';
import { describeVerified, verifiedJson } from './verify-report.ts';

const stoppingRepairNote =
  'Stopping: committing what a repair has proven complete. Press Ctrl-C again to exit immediately.';

interface VerifyOptions extends RangeOptions {
  readonly repair?: boolean;
  readonly deep?: boolean;
}

/**
 * Verifies and prints the result. The failure of a target never stops the others.
 *
 * @returns 0 if the table holds everything; 1 if not, or if a target failed; 130 or 143 if interrupted
 * @throws ConfigError
 */
export async function verify(options: VerifyOptions): Promise<number> {
  const { deep: isDeep = false } = options;
  const config = await loadConfig(options.config);
  const targets = selectTargets(config, options.target);
  return await withTerminalRun(config, stoppingRepairNote, async ({ connections, bar, log, interrupt }) => {
    const settledMs = connections.clock.now() - settingsOf(config).settleMs;
    const range =
      parseRange(options, { from: '--from', to: '--to' }, config.partitionTimeZone, settledMs) ??
      lastDays(config, settledMs);
    const window = { fromMs: range.fromMs, toMs: Math.min(range.toMs, settledMs) };
    const verified: VerifiedTarget[] = [];
    for (const target of targets) {
      if (interrupt.exitCode() === null) {
        verified.push(
          await verifyTarget({
            ...{ config, target, connections, window, log, isDeep, isRepairing: options.repair ?? false },
            openTable: (ofTarget) => openTableView(connections.store, ofTarget, config.partitionTimeZone),
            stop: interrupt.signal,
            onProgress: bar.update,
          }),
        );
        bar.clear();
      }
    }
    const command = commandWith('verify', options, range, isDeep ? ['--deep'] : []);
    writeResult(options, verified.map(verifiedJson), () =>
      verified.map((target) => describeVerified(target, command)).join('\n\n'),
    );
    return interrupt.exitCode() ?? (verified.every(isAllFine) ? 0 : 1);
  });
}

/**
 * Returns the range to compare by default: as many complete days as the daily audit compares, but none before the first
 * sync, and today only if it began today.
 */
function lastDays(config: Config, nowMs: EpochMs): Window {
  const { partitionTimeZone, audit } = config;
  const startOf = (day: string): EpochMs => parseTimeArgument(day, '--from', partitionTimeZone, nowMs);
  const todayMs = startOf('today');
  const firstDay = dayInTimeZone(partitionTimeZone)(todayMs - audit.days * 86_400_000);
  const fromMs = Math.max(settingsOf(config).initialFromMs, startOf(firstDay));
  return { fromMs, toMs: fromMs < todayMs ? todayMs : nowMs };
}
