/** The Lambda function's entry point. */
import { openConnections } from '../connect.ts';
import { createHandler, type Handler } from './create-handler.ts';

/**
 * Handles an invocation.
 *
 * @param event `{}`, an event of EventBridge or its Scheduler, or `{"mode":…}` as in `event.ts`
 * @returns one summary per target, in the order of the config; `done: false` if the next invocation must continue
 * @throws ConfigError for an invalid event or configuration; TargetsFailedError after all targets were tried
 */
export const handler: Handler = createHandler({ environment: process.env, open: openConnections });
