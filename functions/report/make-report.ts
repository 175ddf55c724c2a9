/** Makes the report page from the checkpoints and the table. */
import { type Clock, dayInTimeZone, firstReached } from '../clock.ts';
import type { Config, TargetConfig } from '../config.ts';
import { openWarehouseSql } from '../query/duckdb.ts';
import type { Store } from '../warehouse/store.ts';
import { calendarDays } from './calendar.ts';
import { pageAssets } from './page-assets.ts';
import { readReport } from './read-report.ts';
import { type ReportPage, reportPage } from './report-page.ts';
import { readTargetFacts } from './target-facts.ts';
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
  const facts = await readTargetFacts(config, store, targets, fromMs);
  const definitions = await readDefinitions(store, targets);
  const request = { nowMs, timeZone: config.partitionTimeZone, days, targets: facts, definitions };
  const sql = await openWarehouseSql(store, cacheFolder);
  try {
    const data = await readReport(sql, request);
    return reportPage(data, await pageAssets());
  } finally {
    await sql.close();
  }
}
