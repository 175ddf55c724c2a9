/** The Lambda function that the schedule starts. */
import { Duration } from 'aws-cdk-lib';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { Construct } from 'constructs';
import type { DeadLetters } from './dead-letters.ts';
import { RunFunction, type RunFunctionParts } from './run-function.ts';

/** How to make a `SyncFunction`. */
export interface SyncFunctionProps extends RunFunctionParts {
  readonly deadLetters: DeadLetters;
  /** CloudWatch namespace of the metrics it emits. */
  readonly namespace: string;
}

/** The scheduled function, and what becomes of runs that fail. */
export class SyncFunction extends RunFunction {
  constructor(scope: Construct, id: string, { deadLetters, ...props }: SyncFunctionProps) {
    super(scope, id, {
      ...props,
      description: 'dqsync: copies results of DataArts quality tasks to Parquet on S3',
      reservedConcurrency: props.deployment.reservedConcurrency,
    });
    // A run that fails leaves the watermark where it is and the next one reads the same, so one retry is plenty.
    this.function.configureAsyncInvoke({
      retryAttempts: 1,
      maxEventAge: Duration.seconds(maxEventAgeSeconds(props.deployment.periodMinutes)),
      onFailure: new SqsDestination(deadLetters.queue),
    });
  }
}

/**
 * How old an event may grow that waits to be run: half a period, so that it never meets the next one, which reads the same
 * and more. AWS takes a minute to six hours.
 */
export function maxEventAgeSeconds(periodMinutes: number): number {
  return Math.min(Math.max(60, periodMinutes * 30), 21_600);
}
