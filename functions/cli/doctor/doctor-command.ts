/** `dqsync doctor`: checks everything that a sync needs, and prints a remedy for each problem. */

import type { Checkpoint } from '../../checkpoint/checkpoint.ts';
import { loadCheckpoint } from '../../checkpoint/checkpoint-store.ts';
import { watermarkOf } from '../../checkpoint/coverage.ts';
import type { TargetConfig } from '../../config.ts';
import { requirePast } from '../../sync/next-window.ts';
import { settingsOf, targetOf } from '../../sync/targets.ts';
import { readQuarantine } from '../../warehouse/quarantine.ts';
import type { Store } from '../../warehouse/store.ts';
import { lostState } from '../status/lost-state.ts';
import { usageExitCode } from '../terminal/failure.ts';
import { counted, shownAt } from '../terminal/formats.ts';
import { type OpenTargets, openTargets, type TargetOptions } from '../terminal/open-targets.ts';
import { paint, writeJson, writeLine } from '../terminal/output.ts';
import { type Check, checkOf, describeCheck, failedCheck, type NoteCheck, runCheck } from './check.ts';
import { checkSource } from './source-checks.ts';
import { checkWarehouse } from './warehouse-checks.ts';

/**
 * Runs all checks that are possible, and prints each result.
 *
 * @returns 0; 1 if a check failed; 2 if the config is wrong
 */
export async function doctor(options: TargetOptions): Promise<number> {
  const checks: Check[] = [];
  const note = (check: Check): void => {
    if (options.json !== true) {
      const isNewTarget = check.target !== undefined && check.target !== checks.at(-1)?.target;
      writeLine(`${isNewTarget ? `${paint.bold(check.target)}\n` : ''}${describeCheck(check)}`);
    }
    checks.push(check);
  };
  const isUsable = await examine(options, note);
  const exitCode = !isUsable ? usageExitCode : checks.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
  if (options.json) {
    writeJson({ ok: exitCode === 0, checks });
  }
  return exitCode;
}

/** Runs the checks. Returns whether the config could be used. */
async function examine(options: TargetOptions, note: NoteCheck): Promise<boolean> {
  let opened: OpenTargets;
  try {
    opened = await openTargets(options);
  } catch (thrown) {
    note(failedCheck('config', thrown));
    return false;
  }
  const { config, store } = opened;
  note(checkOf('config', 'passed', `${options.config} is valid, with ${counted(config.targets.length, 'target')}`));
  note(await checkWarehouse(store));
  for (const target of opened.targets) {
    const noteOfTarget = (check: Check): void => note({ ...check, target: target.name });
    await checkSource(opened, target, noteOfTarget);
    await checkCheckpoint(opened, target, noteOfTarget);
  }
  return true;
}

async function checkCheckpoint(
  { config, store, clock }: OpenTargets,
  target: TargetConfig,
  note: NoteCheck,
): Promise<void> {
  try {
    const settings = settingsOf(config);
    const { checkpoint, etag } = await loadCheckpoint({ store, target: targetOf(target), settings });
    const watermarkMs = watermarkOf(checkpoint);
    if (watermarkMs === null) {
      requirePast(settings.initialFromMs, clock.now());
    }
    const found =
      watermarkMs === null
        ? `none yet: the first sync starts at ${config.initialFrom}`
        : `complete up to ${shownAt(watermarkMs)}`;
    const lost = etag === null ? await lostState(store, target) : null;
    note(lost === null ? checkOf('checkpoint', 'passed', found) : checkOf('checkpoint', 'noticed', lost));
    note(await checkSetAside(store, target.name, checkpoint));
  } catch (thrown) {
    note(failedCheck('checkpoint', thrown));
  }
}

/** Checks for rows that are missing from the tables, and executions whose state may be stale. */
async function checkSetAside(store: Store, target: string, { expired }: Checkpoint): Promise<Check> {
  return await runCheck('set aside', async () => {
    const { rows } = await readQuarantine(store, target);
    const finding = `${counted(rows.length, 'row')} in quarantine, ${counted(expired.length, 'expired execution')}`;
    const remedy = `"dqsync quarantine" shows the rows, "dqsync status --target ${target}" how to read the executions again.`;
    return rows.length + expired.length === 0 ? finding : checkOf('set aside', 'noticed', finding, remedy);
  });
}
