/** The Lambda function that the schedule starts, and the queue for runs that fail. */
import { Duration, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { RunFunction, type RunFunctionParts } from './run-function.ts';

/**
 * One queue for both ends of a scheduled run: Scheduler puts in what it could not hand over, Lambda what it could not run
 * to a good end. What is in it is for people to read; nothing takes it out.
 */
export class DeadLetters extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(this.queue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'It is itself the dead-letter queue, of a schedule and of an asynchronous function; no consumer reads it.',
    });
  }
}

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
    // By hand, because CDK's own destination also lets the function read the queue's attributes and URL.
    this.function.addToRolePolicy(
      new PolicyStatement({
        sid: 'PutDeadLetters',
        actions: ['sqs:SendMessage'],
        resources: [deadLetters.queue.queueArn],
      }),
    );
    // A run that fails leaves the watermark where it is and the next one reads the same, so one retry is plenty.
    this.function.configureAsyncInvoke({
      retryAttempts: 1,
      maxEventAge: Duration.seconds(maxEventAgeSeconds(props.deployment.periodMinutes)),
      onFailure: { bind: () => ({ destination: deadLetters.queue.queueArn }) },
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
