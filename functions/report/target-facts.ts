/** What the checkpoints and audits of the targets show about the completeness of the table. */
import { auditKind } from '../checkpoint/audit-record.ts';
import { loadCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { knownSpan, watermarkOf } from '../checkpoint/coverage.ts';
import { loadDocument } from '../checkpoint/state-document.ts';
import type { Config, TargetConfig } from '../config.ts';
import { toDqsyncError } from '../errors.ts';
import { gapsIn, lengthOf } from '../intervals.ts';
import type { EpochMs } from '../model.ts';
import { settingsOf, targetOf } from '../sync/targets.ts';
import type { Store } from '../warehouse/store.ts';
import type { TargetFacts } from './report-data.ts';
import { createdAt, type Definitions, type TaskPlace } from './task-definitions.ts';

/**
 * Reads the facts about some targets. If a checkpoint cannot be read, the facts have the reason as `error`.
 *
 * @param fromMs the start of the days shown, for `gaps` and `knownFromMs`
 */
export async function readTargetFacts(
  config: Config,
  store: Store,
  targets: readonly TargetConfig[],
  fromMs: EpochMs,
): Promise<TargetFacts[]> {
  return await Promise.all(targets.map((target) => factsOf(config, store, target, fromMs)));
}

/**
 * Whether a task was created in the days shown, and its targets have read everything since then. Then its first
 * execution in the table is its very first.
 *
 * @param isShown whether a time is in the days shown, or later
 */
export function isCreatedSince(
  isShown: (ms: EpochMs) => boolean,
  { definitions, targets }: { readonly definitions: Definitions; readonly targets: readonly TargetFacts[] },
  task: TaskPlace,
): boolean {
  const createdMs = createdAt(definitions, task);
  return (
    createdMs !== null &&
    isShown(createdMs) &&
    targets
      .filter(({ workspace, projectId }) => workspace === task.workspace && projectId === task.projectId)
      .every(
        ({ watermarkMs, gaps, knownFromMs }) => watermarkMs !== null && gaps === 0 && (knownFromMs ?? 0) <= createdMs,
      )
  );
}

async function factsOf(config: Config, store: Store, target: TargetConfig, fromMs: EpochMs): Promise<TargetFacts> {
  const settings = settingsOf(config);
  const { name, workspace, projectId } = target;
  const unknown = {
    name,
    workspace,
    projectId,
    watermarkMs: null,
    gaps: 0,
    gapsMs: 0,
    knownFromMs: null,
    lastRun: null,
    lastAudit: null,
  };
  try {
    const { checkpoint } = await loadCheckpoint({ store, target: targetOf(target), settings });
    const { value: record } = await loadDocument(store, auditKind(name));
    const { lastRun, coverage } = checkpoint;
    const span = knownSpan(checkpoint, settings.initialFromMs);
    const gaps =
      span === null || span.toMs <= fromMs ? [] : gapsIn({ ...span, fromMs: Math.max(span.fromMs, fromMs) }, coverage);
    return {
      ...unknown,
      watermarkMs: watermarkOf(checkpoint),
      gaps: gaps.length,
      gapsMs: lengthOf(gaps),
      knownFromMs: span !== null && span.fromMs > fromMs ? span.fromMs : null,
      lastRun:
        lastRun === null ? null : { atMs: lastRun.committedAtMs, outcome: lastRun.outcome, error: lastRun.error },
      lastAudit:
        record === null
          ? null
          : { atMs: record.endedAtMs, days: record.days, lateRows: record.lateRows, failed: record.failed },
      error: null,
    };
  } catch (thrown) {
    return { ...unknown, error: toDqsyncError(thrown, name).message };
  }
}
