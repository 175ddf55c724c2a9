/**
 * What the function says of itself: structured log lines and EMF metrics, both as JSON on its output.
 *
 * Never the event, never a secret: only summaries and the named, safe fields of errors.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import { parseTime } from '../clock.ts';
import { type DqsyncError, InternalError } from '../errors.ts';
import { type MetricDefinition, metrics, metricsNamespace, targetDimension } from '../metrics.ts';
import type { EpochMs, Log } from '../model.ts';
import { type Summary, summaryError, type TargetOutcome } from '../sync/summary.ts';

const serviceName = 'dqsync';

/** One for the life of a sandbox. */
export class Telemetry {
  readonly #logger = new Logger({ serviceName });
  readonly #metrics: Metrics;

  /** @param namespace CloudWatch's, for the metrics */
  constructor(namespace: string = metricsNamespace) {
    this.#metrics = new Metrics({ namespace, serviceName });
    // Powertools adds the service as a dimension of its own; the target is the only one that tells anything here.
    this.#metrics.clearDefaultDimensions();
  }

  /** Puts the invocation's request id into every line that follows. */
  begin(context: Context): void {
    this.#logger.addContext(context);
  }

  /** The log that the run writes to. */
  readonly log: Log = (level, message, fields) => {
    this.#logger[level](message, { ...fields });
  };

  /** One line and one set of metrics for a target whose run has ended. */
  targetDone(outcome: TargetOutcome, tookMs: number, nowMs: EpochMs): void {
    const { summary, error } = outcome;
    if (error !== null) {
      this.#logger.error('target failed', { summary, ...stackOf(error) });
    } else {
      this.#logger.info(summary.done ? 'target done' : 'target to be continued', { summary });
    }
    this.#metrics.addDimension(targetDimension, summary.target);
    const run = {
      counters: outcome.counters,
      tookMs,
      watermarkAgeSeconds: watermarkAgeSeconds(summary, nowMs),
    };
    for (const [name, { unit, value }] of Object.entries<MetricDefinition>(metrics)) {
      const measured = value(run);
      if (measured !== null) {
        this.#metrics.addMetric(name, unit, measured);
      }
    }
    this.#metrics.publishStoredMetrics();
  }

  /** The invocation failed before any target was tried. */
  refused(error: DqsyncError): void {
    this.#logger.error('nothing was synced', { error: summaryError(error), ...stackOf(error) });
  }
}

/** Without any coverage the table is behind by all there is to read; null where not even that is known. */
function watermarkAgeSeconds({ watermark, from }: Summary, nowMs: EpochMs): number | null {
  const coveredToMs = parseTime(watermark ?? from ?? '');
  return coveredToMs === null ? null : Math.max(0, nowMs - coveredToMs) / 1000;
}

/** A defect's stack is what its finder needs; of what is not a defect the message says all. */
function stackOf(error: DqsyncError): { readonly stack?: string } {
  if (!(error instanceof InternalError)) {
    return {};
  }
  const { stack } = error.cause instanceof Error ? error.cause : error;
  return stack === undefined ? {} : { stack };
}
