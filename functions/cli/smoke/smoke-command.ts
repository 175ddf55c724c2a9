/**
 * `dqsync smoke <stack>`: what only real AWS shows, tried once after a deployment: a run of the function, conditional
 * writes, queries through the workgroup, and an alarm that reaches its topic.
 */
import * as z from 'zod';
import { isoTime, systemClock } from '../../clock.ts';
import { storageSchema } from '../../config.ts';
import { openStore } from '../../connect.ts';
import { SourceError } from '../../errors.ts';
import { tableName, viewName } from '../../warehouse/layout.ts';
import type { Store } from '../../warehouse/store.ts';
import { allOutputs, requireOutput } from '../backfill/deployed-stack.ts';
import { type Check, checkOf, describeCheck, runCheck } from '../doctor/check.ts';
import { checkWarehouse } from '../doctor/warehouse-checks.ts';
import { counted } from '../terminal/formats.ts';
import { type OutputOptions, writeJson, writeLine, writeNote } from '../terminal/output.ts';
import { AwsCalls } from './aws-calls.ts';

type Outputs = ReadonlyMap<string, string>;

/** Time between two polls of a query or an alarm. */
const pollEveryMs = 1_000;
const longestQueryMs = 120_000;
/** CloudWatch acts on an alarm within seconds. */
const longestActionMs = 30_000;

/**
 * Runs the checks and prints each result.
 *
 * @returns 0; 1 if a check failed
 * @throws ConfigError if there is no such stack; SourceError if AWS refuses to show it
 */
export async function smoke(stack: string, options: OutputOptions): Promise<number> {
  const outputs = await allOutputs(stack);
  const calls = new AwsCalls();
  if (options.json !== true) {
    writeNote('Running the function once. A first run reads the history, and may take as long as maxRunSeconds.');
  }
  const checks: Check[] = [];
  try {
    for (const check of [
      () => checkRun(calls, requireOutput(outputs, 'FunctionName', stack)),
      async () => checkWarehouse(await storeOf(outputs, stack)),
      () => checkQuery(calls, stack, outputs, tableName),
      () => checkQuery(calls, stack, outputs, viewName),
      () => checkAlarm(calls, stack),
    ]) {
      const done = await check();
      checks.push(done);
      if (options.json !== true) {
        writeLine(describeCheck(done));
      }
    }
  } finally {
    calls.close();
  }
  const ok = checks.every(({ outcome }) => outcome !== 'failed');
  if (options.json) {
    writeJson({ ok, checks });
  }
  return ok ? 0 : 1;
}

/** Opens the warehouse as the functions do. */
async function storeOf(outputs: Outputs, stack: string): Promise<Store> {
  const storage = storageSchema.parse(JSON.parse(outputs.get('WarehouseStorage') ?? '{}'));
  return await openStore(requireOutput(outputs, 'WarehouseUrl', stack), process.env, storage);
}

const failure = z.object({ errorMessage: z.string().optional() });
const summaries = z.array(z.looseObject({ target: z.string(), waitingFor: z.string().optional() }));

/** Runs the function once, as the schedule does. */
async function checkRun(calls: AwsCalls, functionName: string): Promise<Check> {
  return await runCheck('run', async () => {
    const reply = await calls.invoke(functionName, {});
    if (reply.header('x-amz-function-error') !== undefined) {
      const { errorMessage = 'no error message' } = failure.parse(JSON.parse(reply.text ?? '{}'));
      throw new SourceError(`the function failed: ${errorMessage}`, {
        remedy: 'See the section run-failed of the runbook.',
      });
    }
    const targets = summaries.parse(JSON.parse(reply.text ?? ''));
    const waiting = targets.filter(({ waitingFor }) => waitingFor !== undefined).map(({ target }) => target);
    return waiting.length === 0
      ? `the function ran ${counted(targets.length, 'target')}`
      : checkOf(
          'run',
          'noticed',
          `the function ran, but has no credentials for ${waiting.join(', ')} yet`,
          'Store them: aws secretsmanager put-secret-value --secret-string file://secret.json --secret-id <name>',
        );
  });
}

const started = z.object({ QueryExecutionId: z.string() });
const execution = z.object({
  QueryExecution: z.object({
    Status: z.object({ State: z.string(), StateChangeReason: z.string().optional() }),
    Statistics: z.object({ DataScannedInBytes: z.number().optional() }).optional(),
  }),
});
const results = z.object({
  ResultSet: z.object({
    Rows: z.array(z.object({ Data: z.array(z.object({ VarCharValue: z.string().optional() })) })),
  }),
});

/** Counts the rows of the last two days through the workgroup. */
async function checkQuery(calls: AwsCalls, stack: string, outputs: Outputs, name: string): Promise<Check> {
  const check = name === viewName ? 'view' : 'table';
  const database = outputs.get('Database');
  if (database === undefined) {
    return checkOf(check, 'skipped', 'not checked: the stack has no catalog, or is of an older version');
  }
  return await runCheck(check, async () => {
    const since = isoTime(systemClock.now() - 86_400_000).slice(0, 10);
    const { QueryExecutionId: id } = started.parse(
      await calls.json('athena', 'AmazonAthena.StartQueryExecution', {
        QueryString: `SELECT count(*) FROM ${database}.${name} WHERE dt >= '${since}'`,
        WorkGroup: stack,
      }),
    );
    const bytes = await endOfQuery(calls, id);
    const { ResultSet } = results.parse(
      await calls.json('athena', 'AmazonAthena.GetQueryResults', { QueryExecutionId: id }),
    );
    const rows = Number(ResultSet.Rows.at(-1)?.Data[0]?.VarCharValue ?? Number.NaN);
    return `${database}.${name} has ${counted(rows, 'row')} since ${since} (${counted(bytes, 'byte')} scanned)`;
  });
}

/** Returns the bytes that were scanned. */
async function endOfQuery(calls: AwsCalls, id: string): Promise<number> {
  const endMs = systemClock.now() + longestQueryMs;
  for (;;) {
    const reply = await calls.json('athena', 'AmazonAthena.GetQueryExecution', { QueryExecutionId: id });
    const { Status: status, Statistics: statistics } = execution.parse(reply).QueryExecution;
    if (status.State === 'SUCCEEDED') {
      return statistics?.DataScannedInBytes ?? 0;
    }
    if (status.State === 'FAILED' || status.State === 'CANCELLED' || systemClock.now() > endMs) {
      const reason = status.StateChangeReason ?? 'no reason given';
      throw new SourceError(`the query ${id} ended as ${status.State}: ${reason}`, {
        remedy: 'Check the query in the workgroup (output AthenaUrl), and the permissions of your AWS credentials.',
      });
    }
    await systemClock.sleep(pollEveryMs);
  }
}

/** Lets an alarm fire, and looks whether CloudWatch could hand it to the topic. */
async function checkAlarm(calls: AwsCalls, stack: string): Promise<Check> {
  return await runCheck('alarm', async () => {
    const known = await calls.cloudWatch('DescribeAlarms', { AlarmNamePrefix: `${stack}-` });
    const names = [...known.matchAll(/<AlarmName>([^<]+)</g)].map(([, name]) => name ?? '');
    const name = names.find((each) => each === `${stack}-dead-letters`) ?? names[0];
    if (name === undefined) {
      throw new SourceError(`there is no alarm ${stack}-…`, {
        remedy: 'The alarms were removed: run "npx cdk deploy --revert-drift".',
      });
    }
    const since = isoTime(systemClock.now() - 5_000);
    const state = (value: string, reason: string) =>
      calls.cloudWatch('SetAlarmState', { AlarmName: name, StateValue: value, StateReason: reason });
    await state('ALARM', 'A test by dqsync smoke: nothing is wrong.');
    const action = await actionOf(calls, name, since);
    await state('OK', 'The end of a test by dqsync smoke.');
    const mail = `All subscribers of the topic get an email about ${name}`;
    if (action === null) {
      const finding = `${name} was set, and CloudWatch says nothing about its action yet. ${mail}`;
      return checkOf('alarm', 'noticed', finding, 'If none arrives, check the history of the alarm.');
    }
    if (!/^Successfully/i.test(action)) {
      throw new SourceError(`the alarm does not reach its topic: ${action}`, {
        remedy: 'Run "npx cdk deploy --revert-drift" to restore the policy of the topic, and of its key if it has one.',
      });
    }
    return `${name} fired and reached its topic. ${mail}`;
  });
}

/** Returns CloudWatch's report about the action of an alarm; null if there is none in time. */
async function actionOf(calls: AwsCalls, name: string, since: string): Promise<string | null> {
  const endMs = systemClock.now() + longestActionMs;
  while (systemClock.now() < endMs) {
    const query = { AlarmName: name, HistoryItemType: 'Action', StartDate: since };
    const [, text] = /<HistorySummary>([^<]+)</.exec(await calls.cloudWatch('DescribeAlarmHistory', query)) ?? [];
    if (text !== undefined) {
      return text;
    }
    await systemClock.sleep(pollEveryMs);
  }
  return null;
}
