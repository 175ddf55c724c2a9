/**
 * Structured log lines and EMF metrics, both as JSON on standard output. Logs only summaries and named, safe fields of
 * errors; never an event or a secret.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import { parseTime } from '../clock.ts';
import { type DqsyncError, InternalError } from '../errors.ts';
import { allTargets, type Measured, measure, metricsNamespace, targetDimension } from '../metrics.ts';
import type { EpochMs, Log } from '../model.ts';
import { type Summary, summaryError, type TargetOutcome } from '../sync/summary.ts';

const serviceName = 'dqsync';

/** Log and metrics of one sandbox. */
export class Telemetry {
  readonly #logger = new Logger({ serviceName });
  readonly #metrics: Metrics;
  readonly #measuresPassRate: boolean;
  /** The values of the targets so far that belong to all targets. */
  readonly #ofAll: Measured[] = [];

  /**
   * @param namespace of the metrics in CloudWatch
   * @param measuresPassRate whether an alarm needs the metrics of the pass rate
   */
  constructor(namespace: string = metricsNamespace, measuresPassRate = false) {
    this.#measuresPassRate = measuresPassRate;
    this.#metrics = new Metrics({ namespace, serviceName });
    // Powertools adds the service as a dimension. The target is the only useful one here.
    this.#metrics.clearDefaultDimensions();
  }

  /** Adds the invocation's request id to every following line. */
  begin(context: Context): void {
    this.#logger.addContext(context);
  }

  /** The log for the run. */
  readonly log: Log = (level, message, fields) => {
    this.#logger[level](message, { ...fields });
  };

  /**
   * Writes one line and one set of metrics for a target whose run has ended.
   *
   * @param run its duration, the time now, and whether the invocation runs all targets
   */
  targetDone(
    outcome: TargetOutcome,
    { tookMs, nowMs, isOfAll }: { readonly tookMs: number; readonly nowMs: EpochMs; readonly isOfAll: boolean },
  ): void {
    const { summary, counters, quality, error } = outcome;
    const { commitConflicts, resultsBacklog, resultsBacklogAgeSeconds } = counters;
    const waiting = { resultsBacklog, resultsBacklogAgeSeconds };
    const took = { tookMs, commitConflicts, ...waiting, ...(quality === null ? {} : { quality }) };
    if (error !== null) {
      this.#logger.error('target failed', { summary, ...took, ...stackOf(error) });
    } else {
      this.#logger.info(summary.done ? 'target done' : 'target to be continued', { summary, ...took });
    }
    const run = {
      mode: summary.mode,
      isOfAll,
      counters,
      quality,
      measuresPassRate: this.#measuresPassRate,
      watermarkAgeSeconds: watermarkAgeSeconds(summary, nowMs),
    };
    this.#send(measure(run, 'target'), summary.target);
    this.#ofAll.push(...measure(run, 'all targets'));
  }

  /**
   * Writes the metrics of all targets together, which have one time: an alarm looks at the newest values, and one target
   * must not end the alarm of another.
   */
  allDone(): void {
    this.#send(this.#ofAll.splice(0), allTargets);
  }

  #send(measured: readonly Measured[], target: string): void {
    if (measured.length > 0) {
      this.#metrics.addDimension(targetDimension, target);
      for (const [name, { unit }, value] of measured) {
        this.#metrics.addMetric(name, unit, value);
      }
      this.#metrics.publishStoredMetrics();
    }
  }

  /** Logs an invocation that failed before any target was tried. */
  refused(error: DqsyncError): void {
    this.#logger.error('nothing was synced', { error: summaryError(error), ...stackOf(error) });
  }
}

/** Returns the age of the watermark, or of the first sync's start without coverage; null if neither is known. */
function watermarkAgeSeconds({ mode, watermark, from }: Summary, nowMs: EpochMs): number | null {
  const coveredToMs = parseTime(watermark ?? (mode === 'incremental' ? from : null) ?? '');
  return coveredToMs === null ? null : Math.max(0, nowMs - coveredToMs) / 1000;
}

/** Returns the stack of a defect. The message of any other error says everything. */
function stackOf(error: DqsyncError): { readonly stack?: string } {
  if (!(error instanceof InternalError)) {
    return {};
  }
  const { stack } = error.cause instanceof Error ? error.cause : error;
  return stack === undefined ? {} : { stack };
}
