/** `dqsync rewind`: removes coverage from an instant on, after asking, so that the next sync reads it again. */
import { isoOrNull, isoTime } from '../../clock.ts';
import type { TargetConfig } from '../../config.ts';
import { ConfigError, type DqsyncError, describeError, toDqsyncError } from '../../errors.ts';
import type { EpochMs } from '../../model.ts';
import { planRewind, type RewindPlan, type RewindRun, rewind as rewindTarget } from '../../sync/rewind.ts';
import { settingsOf, targetOf } from '../../sync/targets.ts';
import { parseTimeArgument } from '../../time-range.ts';
import { canAsk, confirm } from '../terminal/ask.ts';
import { counted, paragraph, shortTime, shownAt } from '../terminal/formats.ts';
import { type OpenTargets, openTargets, type TargetOptions } from '../terminal/open-targets.ts';
import { paint, writeError, writeLine, writeNote, writeResult } from '../terminal/output.ts';

interface RewindOptions extends TargetOptions {
  readonly to: string;
  readonly yes?: boolean;
}

type Failed = { readonly target: string; readonly error: DqsyncError };
type Planned = { readonly run: RewindRun; readonly plan: RewindPlan };

/** A target and its rewind. Field names match `rewind --json`. */
interface Rewound {
  readonly target: string;
  /** The watermark before; null if no incremental run has covered anything. */
  readonly watermark: string | null;
  /** The watermark after. */
  readonly to: string | null;
  /** Number of covered executions that will be read again, as if the rows of each window were spread evenly over it. */
  readonly rowsAgain: number;
  readonly changed: boolean;
}

/**
 * Prints the plan and asks, unless `--yes` is given, and rewinds.
 *
 * @returns 0, also if the answer was no; 1 if a target failed; 130 if Ctrl-C or the end of the input was the answer
 * @throws ConfigError, also if there is no terminal to ask on and `--yes` is missing
 */
export async function rewind(options: RewindOptions): Promise<number> {
  const opened = await openTargets(options);
  const toMs = parseTimeArgument(options.to, '--to', opened.config.partitionTimeZone);
  const planned = await Promise.all(opened.targets.map((target) => planFor(opened, target, toMs)));
  const say = options.json ? writeNote : writeLine;
  for (const one of planned) {
    if ('error' in one) {
      writeError(paragraph(describeError(one.error)));
    } else if (!options.yes || !one.plan.isNeeded) {
      // With --yes nobody is asked, and the result says the same.
      say(describePlan(one));
    }
  }
  const needed = planned.filter((one) => 'plan' in one && one.plan.isNeeded).length;
  const isWanted = needed === 0 || options.yes || (await ask(needed, toMs));
  const done: (Rewound | Failed)[] = [];
  for (const one of planned) {
    done.push('error' in one ? one : await rewindOne(one, isWanted === true));
  }
  writeResult(options, done, () => describeDone(done));
  return isWanted === null ? 130 : done.some((one) => 'error' in one) ? 1 : 0;
}

async function planFor(
  { config, store, clock }: OpenTargets,
  target: TargetConfig,
  toMs: EpochMs,
): Promise<Planned | Failed> {
  const run = { store, clock, target: targetOf(target), settings: settingsOf(config) };
  try {
    const plan = await planRewind(run, toMs);
    requireCovered(plan, target.name);
    return { run, plan };
  } catch (thrown) {
    return { target: target.name, error: toDqsyncError(thrown, target.name) };
  }
}

/**
 * Refuses a time before the start of coverage. The next sync would read everything from there, and the user may never
 * have wanted executions that old.
 *
 * @throws ConfigError
 */
function requireCovered({ startMs, toMs, isNeeded }: RewindPlan, target: string): void {
  if (isNeeded && startMs !== null && toMs < startMs) {
    const [to, start] = [isoTime(toMs), isoTime(startMs)];
    throw new ConfigError(`--to is ${to}, which is before the start of coverage, ${start}`, {
      target,
      remedy: `Nothing was changed. To read again everything that is covered, give --to ${start}. To read older executions: dqsync backfill --from ${to} --to ${start} --target ${target}`,
    });
  }
}

function describePlan({ run, plan: { watermarkMs, toMs, rows, isNeeded } }: Planned): string {
  const title = paint.bold(run.target.name);
  if (watermarkMs === null) {
    return `${title}  nothing to rewind: no sync has covered anything yet`;
  }
  const watermark = shownAt(watermarkMs);
  return isNeeded
    ? `${title}  complete up to ${watermark} now, up to ${paint.bold(shownAt(toMs))} after; about ${counted(rows, 'execution')} to be read again`
    : `${title}  nothing to rewind: it is complete only up to ${watermark}`;
}

/** Returns the answer; null without one. */
async function ask(targets: number, toMs: EpochMs): Promise<boolean | null> {
  if (!canAsk()) {
    throw new ConfigError('rewind asks before it removes coverage, but there is no terminal to ask on', {
      remedy: 'Nothing was changed. To rewind without being asked, add --yes.',
    });
  }
  return await confirm(`Rewind ${counted(targets, 'target')} to ${shownAt(toMs)}?`);
}

/** Rewinds a target if that is wanted and needed. Its failure never stops the others. */
async function rewindOne({ run, plan }: Planned, isWanted: boolean): Promise<Rewound | Failed> {
  const { name: target } = run.target;
  const watermark = isoOrNull(plan.watermarkMs);
  const before = { target, watermark, to: watermark, rowsAgain: plan.rows, changed: false };
  if (!isWanted || !plan.isNeeded) {
    return before;
  }
  try {
    return { ...before, to: isoOrNull(await rewindTarget(run, plan)), changed: true };
  } catch (thrown) {
    const error = toDqsyncError(thrown, target);
    writeError(paragraph(describeError(error)));
    return { target, error };
  }
}

function describeDone(done: readonly (Rewound | Failed)[]): string {
  const lines = done.flatMap((one) => ('changed' in one && one.changed ? [describeRewound(one)] : []));
  if (lines.length === 0) {
    return 'Nothing was changed.';
  }
  const next =
    'The next sync, scheduled or with "dqsync sync", reads from there and writes every row again. The view shows each execution once. To only fill a gap, use "dqsync backfill" instead.';
  return [...lines, next].join('\n');
}

function describeRewound({ target, watermark, to, rowsAgain }: Rewound): string {
  const from = watermark === null ? 'nothing' : shortTime(watermark);
  const now = to === null ? 'nothing' : shortTime(to);
  return `${paint.green('✓')} ${paint.bold(target)}  rewound from ${from} to ${now}; about ${counted(rowsAgain, 'execution')} will be read again`;
}
