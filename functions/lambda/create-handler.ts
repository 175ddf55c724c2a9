/**
 * The Lambda function: one incremental run over the targets, part of a backfill, or the daily maintenance, within the
 * time that is left.
 *
 * The first invocation builds everything, not the loading of the module, and later invocations reuse it: the pacer must
 * remember the previous invocation's requests, and connections to S3 stay open.
 */
import type { Context } from 'aws-lambda';
import type { Config } from '../config.ts';
import type { Connections, openConnections } from '../connect.ts';
import { type DqsyncError, describeError, toDqsyncError } from '../errors.ts';
import { type BackfillTask, parseBackfillTask } from '../sync/backfill-task.ts';
import type { Announce } from '../sync/outcome-changes.ts';
import { type Run, runTargets } from '../sync/run.ts';
import type { Summary, TargetOutcome } from '../sync/summary.ts';
import {
  configFrom,
  type Environment,
  eventSourceVariable,
  namespaceVariable,
  passRateWatch,
  watchVariable,
} from './environment.ts';
import { type Invocation, parseEvent } from './event.ts';
import { eventBus } from './event-bus.ts';
import { Telemetry } from './telemetry.ts';

/** The environment and the connections of a handler. */
export interface HandlerOptions {
  readonly environment: Environment;
  readonly open: typeof openConnections;
}

/** Time that a run leaves to report its result: this much, or a tenth of a short time. */
const maxReportingMs = 2_000;
const reportingShare = 0.1;

/** The function that Lambda calls. */
export type Handler = (event: unknown, context: Context) => Promise<Summary[]>;

/**
 * At least one target failed; every target was tried. The message names each with its remedy. State machines decide by
 * `name`: `TransientTargetsFailedError` if running again may help without any change by hand.
 */
export class TargetsFailedError extends Error {
  constructor(failures: readonly DqsyncError[], targetCount: number) {
    const howMany = targetCount === 1 ? '' : `${failures.length} of ${targetCount} targets failed. `;
    super(`${howMany}${failures.map(describeError).join(' ')}`);
    this.name = failures.every(({ retryable }) => retryable) ? 'TransientTargetsFailedError' : 'TargetsFailedError';
  }
}

/** Makes a handler. Reads and opens nothing before the first invocation. */
export function createHandler(options: HandlerOptions): Handler {
  const sandbox = new Sandbox(options);
  return (event, context) => sandbox.invoke(event, context);
}

interface Opened {
  readonly config: Config;
  readonly connections: Connections;
}

/** The state that outlives an invocation. */
class Sandbox {
  readonly #options: HandlerOptions;
  #telemetry: Telemetry | undefined;
  #opened: Opened | undefined;

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  async invoke(event: unknown, context: Context): Promise<Summary[]> {
    const { [namespaceVariable]: namespace, [watchVariable]: watch } = this.#options.environment;
    this.#telemetry ??= new Telemetry(namespace, watch === passRateWatch);
    const telemetry = this.#telemetry;
    telemetry.begin(context);
    const outcomes: TargetOutcome[] = [];
    try {
      await this.#run(event, context, telemetry, outcomes);
    } catch (thrown) {
      const error = toDqsyncError(thrown);
      telemetry.refused(error);
      throw error;
    }
    const failures = outcomes.flatMap(({ error }) => error ?? []);
    if (failures.length > 0) {
      throw new TargetsFailedError(failures, outcomes.length);
    }
    return outcomes.map(({ summary }) => summary);
  }

  async #run(event: unknown, context: Context, telemetry: Telemetry, outcomes: TargetOutcome[]): Promise<void> {
    const invocation = parseEvent(event);
    const { config, connections } = await this.#open(telemetry);
    const { clock } = connections;
    await runTargets({
      ...connections,
      config,
      targets: invocation.targets,
      backfill: backfillOf(invocation, config),
      isMaintenance: invocation.mode === 'maintain',
      results: resultsOf(invocation),
      limitMs: Math.min(config.maxRunSeconds * 1000, timeToRun(context)),
      stop: new AbortController().signal,
      log: telemetry.log,
      onProgress: () => undefined,
      announce: announceBy(this.#options.environment),
      onTargetDone: (outcome, tookMs) => {
        outcomes.push(outcome);
        telemetry.targetDone(outcome, tookMs, clock.now());
      },
    });
  }

  async #open(telemetry: Telemetry): Promise<Opened> {
    if (this.#opened === undefined) {
      const config = configFrom(this.#options.environment);
      const connections = await this.#options.open(config, telemetry.log, this.#options.environment);
      this.#opened = { config, connections };
    }
    return this.#opened;
  }
}

/** Returns how changes of outcomes are announced; undefined if they are not watched. */
function announceBy(environment: Environment): Announce | undefined {
  const source = environment[eventSourceVariable];
  if (source !== undefined) {
    return eventBus(source);
  }
  return environment[watchVariable] === undefined ? undefined : async () => undefined;
}

/** Returns the time that Lambda leaves for the run, less the time to report its result. */
function timeToRun(context: Context): number {
  const remainingMs = context.getRemainingTimeInMillis();
  return remainingMs - Math.min(maxReportingMs, remainingMs * reportingShare);
}

/** A backfill fetches rule results only on request, because that takes many times as long. */
function resultsOf(invocation: Invocation): Run['results'] {
  if (invocation.mode === 'backfill') {
    return invocation.results ? 'all' : undefined;
  }
  return 'spare';
}

/** @throws ConfigError for an invalid range */
function backfillOf(invocation: Invocation, { partitionTimeZone }: Config): BackfillTask | undefined {
  if (invocation.mode !== 'backfill') {
    return undefined;
  }
  return parseBackfillTask(invocation, { from: '"from"', to: '"to"', again: '"again"' }, partitionTimeZone);
}
