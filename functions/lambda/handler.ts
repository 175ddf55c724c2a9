/** The Lambda function's entry point. */
import { openConnections } from '../connect.ts';
import { createHandler, type Handler } from './create-handler.ts';

/**
 * What Lambda calls.
 *
 * @param event `{}`, an event of EventBridge or its Scheduler, or `{"mode":"incremental","targets"?}`
 * @returns one summary per target, in the order of the config; `done: false` where the next invocation goes on
 * @throws ConfigError for an event or configuration that is not valid; TargetsFailedError after all targets were tried
 */
export const handler: Handler = createHandler({ environment: process.env, open: openConnections });
