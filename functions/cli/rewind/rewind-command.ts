/** `dqsync rewind`: removes coverage from an instant on, after asking, so that the next sync reads it again. */
import { isoTime } from '../../clock.ts';
import type { Config, TargetConfig } from '../../config.ts';
import { type Connections, openConnections } from '../../connect.ts';
import { ConfigError, type DqsyncError, describeError, toDqsyncError } from '../../errors.ts';
import type { EpochMs } from '../../model.ts';
import { planRewind, type RewindPlan, type RewindRun, rewind as rewindTarget } from '../../sync/rewind.ts';
import { selectTargets, settingsOf, targetOf } from '../../sync/targets.ts';
import { parseTimeArgument } from '../../time-range.ts';
import { daysIn } from '../../verify/verification.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { type Answer, canAsk, confirm } from '../terminal/confirm.ts';
import { errorJson } from '../terminal/failure.ts';
import { counted, paragraph, shownAt } from '../terminal/formats.ts';
import { writeError, writeJson, writeLine, writeNote } from '../terminal/output.ts';
import { openTableView } from '../verify/table-view.ts';
import { describePlan, describeRewound, type RewindReport, whatNext } from './rewind-report.ts';

/** Options of `rewind`. */
export interface RewindOptions {
  readonly config: string;
  readonly target: readonly string[];
  readonly to: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** A target with its plan, or the error that prevents one. */
interface Planned {
  readonly run: RewindRun;
  readonly plan: RewindPlan | { readonly error: DqsyncError };
}

type Done = RewindReport | { readonly target: string; readonly error: DqsyncError };

/**
 * Prints the plan, asks, and rewinds.
 *
 * @returns 0, also if the answer was no; 1 if a target failed; 130 if the question was answered with Ctrl-C
 * @throws ConfigError, also if there is no terminal to ask on and `--yes` is missing
 */
export async function rewind(options: RewindOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const toMs = parseTimeArgument(options.to, '--to', config.partitionTimeZone);
  const targets = selectTargets(config, options.target);
  const connections = await openConnections(config, () => undefined, process.env);
  const planned = await Promise.all(targets.map((target) => planFor(config, connections, target, toMs)));
  announce(planned, options);
  const needed = planned.filter(({ plan }) => 'isNeeded' in plan && plan.isNeeded);
  const answer = needed.length === 0 || options.yes ? 'yes' : await ask(needed.length, toMs);
  const done = answer === 'yes' ? await doAll(planned) : planned.map(untouched);
  report(done, options);
  if (answer === 'interrupted') {
    return 130;
  }
  return done.some((target) => 'error' in target) ? 1 : 0;
}

async function planFor(
  config: Config,
  { store, clock }: Connections,
  target: TargetConfig,
  toMs: EpochMs,
): Promise<Planned> {
  const run = { store, clock, target: targetOf(target), settings: settingsOf(config) };
  try {
    return { run, plan: await withTableRows(run, await planRewind(run, toMs)) };
  } catch (thrown) {
    return { run, plan: { error: toDqsyncError(thrown, target.name) } };
  }
}

/** Counts the rows of up to this many days in the table. The rows of a longer span are extrapolated from coverage. */
const countedDays = 31;
const dayMs = 86_400_000;

/**
 * Raises the number of rows to be read again to the table's own. Coverage knows the rows of a whole window, and a
 * rewind cuts windows: a busy day at the end of a quiet month would be far off. The table alone would not do: it may
 * have lost rows.
 */
async function withTableRows(run: RewindRun, plan: RewindPlan): Promise<RewindPlan> {
  const { watermarkMs, toMs, isNeeded } = plan;
  if (!isNeeded || watermarkMs === null || watermarkMs - toMs > countedDays * dayMs) {
    return plan;
  }
  const { partitionTimeZone } = run.settings;
  try {
    const table = await openTableView(run.store, run.target, partitionTimeZone);
    try {
      const tallies = await table.tally(daysIn({ fromMs: toMs, toMs: watermarkMs }, partitionTimeZone));
      const rows = tallies.reduce((sum, tally) => sum + tally.rows, 0);
      return { ...plan, rows: Math.max(plan.rows, rows) };
    } finally {
      await table.close();
    }
  } catch {
    // A rewind does not depend on the table: the extrapolation will do.
    return plan;
  }
}

function announce(planned: readonly Planned[], { json }: RewindOptions): void {
  const say = json ? writeNote : writeLine;
  for (const { run, plan } of planned) {
    if ('error' in plan) {
      writeError(paragraph(describeError(plan.error)));
    } else {
      say(describePlan(run.target.name, plan.watermarkMs, plan.toMs, plan.isNeeded ? plan.rows : null));
    }
  }
}

async function ask(targets: number, toMs: EpochMs): Promise<Answer> {
  if (!canAsk()) {
    throw new ConfigError('rewind asks before it removes coverage, but there is no terminal to ask on', {
      remedy: 'Nothing was changed. To rewind without being asked, add --yes.',
    });
  }
  return await confirm(`Rewind ${counted(targets, 'target')} to ${shownAt(toMs)}?`);
}

/** Rewinds the targets one after the other. A failed target never stops the others. */
async function doAll(planned: readonly Planned[]): Promise<Done[]> {
  const done: Done[] = [];
  for (const one of planned) {
    done.push(await doOne(one));
  }
  return done;
}

async function doOne(planned: Planned): Promise<Done> {
  const { run, plan } = planned;
  if ('error' in plan || !plan.isNeeded) {
    return untouched(planned);
  }
  try {
    const toMs = await rewindTarget(run, plan);
    return { ...reportOf(run, plan), to: isoOrNull(toMs), changed: true };
  } catch (thrown) {
    const error = toDqsyncError(thrown, run.target.name);
    writeError(paragraph(describeError(error)));
    return { target: run.target.name, error };
  }
}

function untouched({ run, plan }: Planned): Done {
  return 'error' in plan ? { target: run.target.name, error: plan.error } : reportOf(run, plan);
}

function reportOf({ target }: RewindRun, { watermarkMs, rows }: RewindPlan): RewindReport {
  const watermark = isoOrNull(watermarkMs);
  return { target: target.name, watermark, to: watermark, rowsAgain: rows, changed: false };
}

function report(done: readonly Done[], { json }: RewindOptions): void {
  if (json) {
    writeJson(done.map((one) => ('error' in one ? { target: one.target, error: errorJson(one.error) } : one)));
    return;
  }
  const changed = done.flatMap((one) => ('changed' in one && one.changed ? [one] : []));
  writeLine(changed.length === 0 ? 'Nothing was changed.' : [...changed.map(describeRewound), whatNext].join('\n'));
}

function isoOrNull(ms: EpochMs | null): string | null {
  return ms === null ? null : isoTime(ms);
}
