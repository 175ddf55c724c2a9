/** Makes the report page from the checkpoints and the table. */
import { auditKind } from '../checkpoint/audit-record.ts';
import { loadCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { knownSpan, watermarkOf } from '../checkpoint/coverage.ts';
import { loadDocument } from '../checkpoint/state-document.ts';
import { type Clock, dayInTimeZone, firstReached } from '../clock.ts';
import type { Config, TargetConfig } from '../config.ts';
import { toDqsyncError } from '../errors.ts';
import { gapsIn, lengthOf } from '../intervals.ts';
import type { EpochMs } from '../model.ts';
import { openPartitionSql } from '../query/duckdb.ts';
import { settingsOf, targetOf } from '../sync/targets.ts';
import type { Store } from '../warehouse/store.ts';
import { calendarDays } from './calendar.ts';
import { pageAssets } from './page-assets.ts';
import { readReport } from './read-report.ts';
import type { TargetFacts } from './report-data.ts';
import { type ReportPage, reportPage } from './report-page.ts';
import { readDefinitions } from './task-definitions.ts';

/** The arguments of a report. */
export interface ReportInput {
  readonly config: Config;
  readonly targets: readonly TargetConfig[];
  readonly connections: { readonly store: Store; readonly clock: Clock };
  readonly days: number;
  /** Folder for copies of an S3 warehouse's data files. */
  readonly cacheFolder: string;
}

/** Days on a page unless asked otherwise. */
export const defaultReportDays = 30;

const dayMs = 86_400_000;

/**
 * Makes the page. A checkpoint that cannot be read becomes a remark on the page.
 *
 * @throws StorageError if a data file cannot be read
 */
export async function makeReport({
  config,
  targets,
  connections,
  days,
  cacheFolder,
}: ReportInput): Promise<ReportPage> {
  const { store, clock } = connections;
  const nowMs = clock.now();
  const dayOf = dayInTimeZone(config.partitionTimeZone);
  const [firstDay = ''] = calendarDays(dayOf(nowMs), days);
  const fromMs = firstReached(nowMs - (days + 1) * dayMs, nowMs, (ms) => dayOf(ms) >= firstDay);
  const facts = await Promise.all(targets.map((target) => factsOf(config, connections, target, fromMs)));
  const definitions = await readDefinitions(store, targets);
  const request = { nowMs, timeZone: config.partitionTimeZone, days, targets: facts, definitions };
  const sql = await openPartitionSql(store, cacheFolder);
  try {
    const data = await readReport(sql, request);
    return reportPage(data, await pageAssets());
  } finally {
    await sql.close();
  }
}

async function factsOf(
  config: Config,
  { store }: ReportInput['connections'],
  target: TargetConfig,
  fromMs: EpochMs,
): Promise<TargetFacts> {
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
    const { value: record } = await loadDocument(store, name, auditKind);
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
