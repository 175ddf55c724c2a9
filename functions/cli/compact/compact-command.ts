/** `dqsync compact`: replaces the many files of settled days by one, target by target. */
import type { CompactionResult } from '../../compaction/compact-target.ts';
import { type DqsyncError, describeError, toDqsyncError } from '../../errors.ts';
import { selectTargets, settingsOf, targetOf } from '../../sync/targets.ts';
import { parseRange } from '../../time-range.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { errorJson } from '../terminal/failure.ts';
import { bytes, counted, paragraph } from '../terminal/formats.ts';
import type { TargetOptions } from '../terminal/open-targets.ts';
import { writeError, writeJson, writeLine } from '../terminal/output.ts';
import { type TerminalRun, withTerminalRun } from '../terminal/terminal-run.ts';

/** Options of `compact`. */
export interface CompactOptions extends TargetOptions {
  readonly from?: string;
  readonly to?: string;
  readonly dryRun?: boolean;
}

/** A target, and how its compaction ended. */
interface Compacted {
  readonly target: string;
  readonly result: CompactionResult | null;
  readonly error: DqsyncError | null;
}

const stoppingNote = 'Stopping after the file that is being read. Press Ctrl-C again to end at once; nothing is lost.';

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
  return await withTerminalRun(config, stoppingNote, async ({ connections, bar, interrupt }: TerminalRun) => {
    const compacted: Compacted[] = [];
    for (const target of targets.map(targetOf)) {
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
          bar.update({ target: target.name, doneMs: done, totalMs: total, atMs: null, rowsRead });
        },
      });
      compacted.push(
        await work.then(
          (result) => ({ target: target.name, result, error: null }),
          (thrown: unknown) => ({ target: target.name, result: null, error: toDqsyncError(thrown, target.name) }),
        ),
      );
    }
    bar.clear();
    report(compacted, options);
    const hasFailed = compacted.some(({ result, error }) => error !== null || (result?.failed.length ?? 0) > 0);
    return hasFailed ? 1 : (interrupt.exitCode() ?? 0);
  });
}

function report(compacted: readonly Compacted[], { json, dryRun = false }: CompactOptions): void {
  if (json) {
    writeJson(compacted.map(asJson));
    return;
  }
  for (const { target, result, error } of compacted) {
    if (result !== null) {
      writeLine(describeResult(result, dryRun));
      for (const { dt, table, error: cause } of result.failed) {
        writeError(paragraph(`${target}: day ${dt} of ${table} is unchanged. ${describeError(cause)}`));
      }
    }
    if (error !== null) {
      writeError(paragraph(describeError(error)));
    }
  }
}

/** One line on what was done, or would be. */
export function describeResult({ target, days, done }: CompactionResult, isDryRun: boolean): string {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const filesBefore = sum(days.map((day) => day.filesBefore));
  const filesAfter = sum(days.map((day) => day.filesAfter));
  const sizeBefore = bytes(sum(days.map((day) => day.bytesBefore)));
  const rest = done ? '' : ' Not all days were looked at; run the same command again to continue.';
  if (days.length === 0) {
    return `${target}: nothing to compact.${rest}`;
  }
  if (isDryRun) {
    return `${target}: would compact ${counted(days.length, 'day')}: ${counted(filesBefore, 'file')} of ${sizeBefore} into about ${filesAfter}.${rest}`;
  }
  const sizeAfter = bytes(sum(days.map((day) => day.bytesAfter)));
  return `${target}: compacted ${counted(days.length, 'day')}: ${counted(filesBefore, 'file')} of ${sizeBefore} into ${filesAfter} of ${sizeAfter}.${rest}`;
}

function asJson({ target, result, error }: Compacted): Record<string, unknown> {
  return {
    target,
    done: result?.done ?? false,
    days: result?.days ?? [],
    failed: (result?.failed ?? []).map((failed) => ({ ...failed, error: errorJson(failed.error) })),
    ...(error === null ? {} : { error: errorJson(error) }),
  };
}
