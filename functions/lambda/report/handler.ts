/**
 * The Lambda function that publishes the report. Its own function, because DuckDB is many times as large as all that a
 * sync needs.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { isoTime, systemClock } from '../../clock.ts';
import { openStore } from '../../connect.ts';
import { ConfigError, toDqsyncError } from '../../errors.ts';
import { defaultReportDays, makeReport } from '../../report/make-report.ts';
import { summaryError } from '../../sync/summary.ts';
import { reportKey } from '../../warehouse/layout.ts';
import { isPageStore } from '../../warehouse/store.ts';
import { configFrom, type Environment } from '../environment.ts';

/** What was published. Names are a contract. */
export interface Published {
  readonly key: string;
  readonly bytes: number;
  readonly executions: number;
  readonly asOf: string;
}

const logger = new Logger({ serviceName: 'dqsync' });

/**
 * Handles an invocation, whatever its event is.
 *
 * @throws ConfigError for an invalid configuration; StorageError if the warehouse cannot be read or written
 */
export async function handler(_event: unknown, context: Context): Promise<Published> {
  logger.addContext(context);
  try {
    const published = await publishReport(process.env);
    logger.info('report published', { ...published });
    return published;
  } catch (thrown) {
    const error = toDqsyncError(thrown);
    logger.error('the report was not published', { error: summaryError(error) });
    throw error;
  }
}

async function publishReport(environment: Environment): Promise<Published> {
  const config = configFrom(environment);
  const store = await openStore(config.warehouse, environment, config.storage);
  if (!isPageStore(store)) {
    throw new ConfigError(`the warehouse ${store.url} is a folder, from which no browser can read`, {
      remedy: 'Set "warehouse" to "s3://<bucket>[/<prefix>]".',
      code: 'warehouse',
    });
  }
  // Not kept between invocations: they rarely meet the same sandbox, and its disk is small.
  const cacheFolder = await mkdtemp(join(tmpdir(), 'dqsync-report-'));
  try {
    const connections = { store, clock: systemClock };
    const { targets } = config;
    const { html, data } = await makeReport({ config, targets, connections, days: defaultReportDays, cacheFolder });
    await store.publish(reportKey, html);
    const { executions, asOfMs } = data;
    return { key: reportKey, bytes: Buffer.byteLength(html), executions, asOf: isoTime(asOfMs) };
  } finally {
    await rm(cacheFolder, { recursive: true, force: true });
  }
}
