/** The Lambda function that the schedule starts, and the queue for failed runs. */
import { Duration, Validations } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { eventSourceVariable, passRateWatch, watchVariable } from '../functions/lambda/environment.ts';
import type { Deployment } from './deployment.ts';
import { allow, arnOf } from './permissions.ts';
import { RunFunction, type RunFunctionParts, timeoutSeconds } from './run-function.ts';

/**
 * One queue for both ends of a scheduled run: events that Scheduler could not hand over, and events whose run failed in
 * Lambda. People read it; nothing consumes it.
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

/** Properties of `SyncFunction`. */
interface SyncFunctionProps extends RunFunctionParts {
  readonly deadLetters: DeadLetters;
  /** CloudWatch namespace of its metrics. */
  readonly namespace: string;
}

/** The scheduled function, and the handling of failed runs. */
export class SyncFunction extends RunFunction {
  constructor(scope: Construct, id: string, { deadLetters, ...props }: SyncFunctionProps) {
    super(scope, id, {
      ...props,
      description: 'dqsync: copies results of DataArts quality tasks to Parquet on S3',
      reservedConcurrency: props.deployment.reservedConcurrency,
    });
    const { events, qualityAlarm, stackName } = props.deployment;
    if (events) {
      this.#publishEvents(`dqsync.${stackName}`);
    }
    if (qualityAlarm !== undefined) {
      const watch = qualityAlarm.passRatePercent === undefined ? '1' : passRateWatch;
      this.function.addEnvironment(watchVariable, watch);
    }
    // By hand, because CDK's own destination also lets the function read the queue's attributes and URL.
    allow(this.function, 'PutDeadLetters', ['sqs:SendMessage'], [deadLetters.queue.queueArn]);
    // A failed run leaves the watermark unchanged and the next run reads the same span, so one retry is enough.
    this.function.configureAsyncInvoke({
      retryAttempts: 1,
      maxEventAge: Duration.seconds(maxEventAgeSeconds(props.deployment)),
      onFailure: { bind: () => ({ destination: deadLetters.queue.queueArn }) },
    });
  }

  /** Lets the function put events on the default bus, under its own name only. */
  #publishEvents(source: string): void {
    this.function.addEnvironment(eventSourceVariable, source);
    const bus = arnOf(this, 'events', 'event-bus', 'default');
    const condition = { StringEquals: { 'events:source': source } };
    allow(this.function, 'PutEvents', ['events:PutEvents'], [bus], condition);
  }
}

/** Returns whether the function watches the outcomes of tasks. */
export function watchesOutcomes({ events, qualityAlarm }: Pick<Deployment, 'events' | 'qualityAlarm'>): boolean {
  return events || qualityAlarm !== undefined;
}

/**
 * The longest pause between two attempts of Lambda to run an event that waits ("Error handling", Lambda Developer
 * Guide).
 */
const longestPauseSeconds = 300;

/**
 * Returns how long an event may wait for its run: half a period, because the next event's run reads the same and more;
 * with short periods as long as the daily maintenance may take, for which a sync would otherwise become a dead letter.
 */
function maxEventAgeSeconds(deployment: Deployment): number {
  return Math.max(handOverSeconds(deployment), timeoutSeconds(deployment) + longestPauseSeconds);
}

/** Returns how long Scheduler may try to hand over an event: half a period. AWS allows one minute to a day. */
export function handOverSeconds({ periodMinutes }: Pick<Deployment, 'periodMinutes'>): number {
  return Math.min(Math.max(60, periodMinutes * 30), 21_600);
}
