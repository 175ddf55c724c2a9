/** `dqsync verify`: compares the table with the source, day by day, and with `--repair` reads again what differs. */
import { selectTargets, settingsOf } from '../../sync/targets.ts';
import { parseRange } from '../../time-range.ts';
import { isAllFine, type VerifiedTarget, verifyTarget } from '../../verify/target-verifier.ts';
import { loadConfig } from '../terminal/config-file.ts';
import type { TargetOptions } from '../terminal/open-targets.ts';
import { writeResult } from '../terminal/output.ts';
import { commandWith } from '../terminal/range.ts';
import { withTerminalRun } from '../terminal/terminal-run.ts';
import { openTableView } from './table-view.ts';
import { describeVerified, verifiedJson } from './verify-report.ts';

const stoppingRepairNote =
  'Stopping: committing what a repair has proven complete. Press Ctrl-C again to exit at once.';

interface VerifyOptions extends TargetOptions {
  readonly from: string;
  readonly to: string;
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
    const range = parseRange(options, { from: '--from', to: '--to' }, config.partitionTimeZone, settledMs);
    // The command requires both ends.
    const { fromMs, toMs } = range ?? { fromMs: settledMs, toMs: settledMs };
    const window = { fromMs, toMs: Math.min(toMs, settledMs) };
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
