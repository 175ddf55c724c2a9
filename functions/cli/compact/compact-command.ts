/** `dqsync compact`: replaces the many files of settled days by one, target by target. */
import type { CompactedDay } from '../../compaction/compact-day.ts';
import type { CompactionResult } from '../../compaction/compact-target.ts';
import { type DqsyncError, describeError, toDqsyncError } from '../../errors.ts';
import { selectTargets, settingsOf, targetOf } from '../../sync/targets.ts';
import { parseRange } from '../../time-range.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { bytes, counted, paragraph } from '../terminal/formats.ts';
import { writeError, writeJson, writeLine } from '../terminal/output.ts';
import type { RangeOptions } from '../terminal/range.ts';
import { withTerminalRun } from '../terminal/terminal-run.ts';

interface CompactOptions extends RangeOptions {
  readonly dryRun?: boolean;
}

/** The result of a target; an empty one and the error if it failed. */
type Compacted = CompactionResult & { readonly error?: DqsyncError };

const stoppingNote =
  'Stopping after the file that is being read. Press Ctrl-C again to end immediately; nothing is lost.';

/**
 * Compacts and reports.
 *
 * @returns 0; 1 if a day or a target failed; 130 or 143 if it was interrupted
 * @throws ConfigError
 */
export async function compact(options: CompactOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const window = parseRange(options, { from: '--from', to: '--to' }, config.partitionTimeZone) ?? undefined;
  const targets = selectTargets(config, options.target);
  const { compactTarget } = await import('../../compaction/compact-target.ts');
  return await withTerminalRun(config, stoppingNote, async ({ connections, bar, interrupt }) => {
    const compacted: Compacted[] = [];
    for (const target of targets.map(targetOf)) {
      const { name } = target;
      let rowsRead = 0;
      const work = compactTarget({
        target,
        settings: settingsOf(config),
        store: connections.store,
        clock: connections.clock,
        stop: interrupt.signal,
        remainingMs: () => Number.POSITIVE_INFINITY,
        window,
        isDryRun: options.dryRun ?? false,
        onDay: ({ rows }, { done, total }) => {
          rowsRead += rows;
          bar.update({ target: name, doneMs: done, totalMs: total, atMs: null, rowsRead });
        },
      });
      compacted.push(
        await work.catch((thrown: unknown) => {
          return { target: name, days: [], failed: [], done: false, error: toDqsyncError(thrown, name) };
        }),
      );
    }
    bar.clear();
    if (options.json) {
      writeJson(compacted);
    }
    for (const one of options.json ? [] : compacted) {
      report(one, options.dryRun ?? false);
    }
    const hasFailed = compacted.some(({ failed, error }) => error !== undefined || failed.length > 0);
    return hasFailed ? 1 : (interrupt.exitCode() ?? 0);
  });
}

function report(compacted: Compacted, isDryRun: boolean): void {
  const { target, failed, error } = compacted;
  if (error !== undefined) {
    writeError(paragraph(describeError(error)));
    return;
  }
  writeLine(describeResult(compacted, isDryRun));
  for (const { dt, table, error: cause } of failed) {
    writeError(paragraph(`${target}: day ${dt} of ${table} is unchanged. ${describeError(cause)}`));
  }
}

/** One line on what was done, or would be. */
function describeResult({ target, days, done }: CompactionResult, isDryRun: boolean): string {
  const rest = done ? '' : ' Not all days were checked; run the same command again to continue.';
  if (days.length === 0) {
    return `${target}: nothing to compact.${rest}`;
  }
  const sum = (of: (day: CompactedDay) => number): number => days.reduce((total, day) => total + of(day), 0);
  const filesBefore = counted(
    sum((day) => day.filesBefore),
    'file',
  );
  const sizeBefore = bytes(sum((day) => day.bytesBefore));
  const filesAfter = sum((day) => day.filesAfter);
  const before = `${counted(days.length, 'day')}: ${filesBefore} of ${sizeBefore}`;
  return isDryRun
    ? `${target}: would compact ${before} into about ${filesAfter}.${rest}`
    : `${target}: compacted ${before} into ${filesAfter} of ${bytes(sum((day) => day.bytesAfter))}.${rest}`;
}
