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
import type { EpochMs } from '../model.ts';
import { type BackfillTask, parseBackfillTask } from '../sync/backfill-task.ts';
import type { Announce } from '../sync/outcomes/outcome-changes.ts';
import { type Run, runTargets } from '../sync/run.ts';
import type { Summary, TargetOutcome } from '../sync/summary.ts';
import { selectTargets, settingsOf } from '../sync/targets.ts';
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
interface HandlerOptions {
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
 * `name`: `TransientTargetsFailedError` if running again may help without manual changes.
 */
export class TargetsFailedError extends Error {
  constructor(failures: readonly DqsyncError[], targetCount: number) {
    const howMany = targetCount === 1 ? '' : `${failures.length} of ${targetCount} targets failed. `;
    super(`${howMany}${failures.map(describeError).join(' ')}`);
    this.name = failures.every(({ retryable }) => retryable) ? 'TransientTargetsFailedError' : 'TargetsFailedError';
  }
}

/** Makes a handler. Reads and opens nothing before the first invocation. */
export function createHandler({ environment, open }: HandlerOptions): Handler {
  // The state that outlives an invocation.
  let first: Telemetry | undefined;
  let opened: { readonly config: Config; readonly connections: Connections } | undefined;

  const run = async (event: unknown, context: Context, telemetry: Telemetry): Promise<TargetOutcome[]> => {
    const invocation = parseEvent(event);
    if (opened === undefined) {
      const config = configFrom(environment);
      opened = { config, connections: await open(config, telemetry.log, environment) };
    }
    const { config, connections } = opened;
    const outcomes: TargetOutcome[] = [];
    const isOfAll = selectTargets(config, invocation.targets).length === config.targets.length;
    await runTargets({
      ...connections,
      config,
      targets: invocation.targets,
      backfill: backfillOf(invocation, config, connections.clock.now()),
      isMaintenance: invocation.mode === 'maintain',
      results: resultsOf(invocation),
      limitMs: Math.min(config.maxRunSeconds * 1000, timeToRun(context)),
      stop: new AbortController().signal,
      log: telemetry.log,
      onProgress: () => undefined,
      announce: announceBy(environment),
      onTargetDone: (outcome, tookMs) => {
        outcomes.push(outcome);
        telemetry.targetDone(outcome, { tookMs, nowMs: connections.clock.now(), isOfAll });
      },
    });
    return outcomes;
  };

  return async (event, context) => {
    first ??= new Telemetry(environment[namespaceVariable], environment[watchVariable] === passRateWatch);
    const telemetry = first;
    telemetry.begin(context);
    const outcomes = await run(event, context, telemetry)
      .catch((thrown: unknown) => {
        const error = toDqsyncError(thrown);
        telemetry.refused(error);
        throw error;
      })
      .finally(() => telemetry.allDone());
    const failures = outcomes.flatMap(({ error }) => error ?? []);
    if (failures.length > 0) {
      throw new TargetsFailedError(failures, outcomes.length);
    }
    return outcomes.map(({ summary }) => summary);
  };
}

/** Returns how changes of outcomes are announced; undefined if they are not watched. */
function announceBy(environment: Environment): Announce | undefined {
  const source = environment[eventSourceVariable];
  if (source !== undefined) {
    return eventBus(source, environment);
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

/** @throws ConfigError for an invalid range, or one in the future */
function backfillOf(invocation: Invocation, config: Config, nowMs: EpochMs): BackfillTask | undefined {
  if (invocation.mode !== 'backfill') {
    return undefined;
  }
  const names = { from: '"from"', to: '"to"', again: '"again"' };
  return parseBackfillTask(invocation, names, config.partitionTimeZone, nowMs - settingsOf(config).settleMs);
}
