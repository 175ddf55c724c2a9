/** Runs `dqsync smoke` with stand-ins for AWS services. test/e2e runs it with the emulator. */
import { describe, expect, it } from 'vitest';
import { type Received, startLoopback } from '../../source/loopback.ts';
import { callCli } from '../../support/call-cli.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { runCli } from '../../support/run-cli.ts';
import { tempFolder } from '../../support/temp-warehouse.ts';

const outputs = {
  FunctionName: 'dq-sync',
  WarehouseUrl: 's3://warehouse/dq',
  WarehouseStorage: '{"encryption":"AES256"}',
  Database: 'dq',
};

/** The reply of each service, by `service action`. */
const healthy: Readonly<Record<string, string>> = {
  'cloudformation DescribeStacks': `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>dq</StackName><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>${Object.entries(
    outputs,
  )
    .map(([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`)
    .join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  'lambda /2015-03-31/functions/dq-sync/invocations': '[{"target":"sales"},{"target":"hr"}]',
  'athena StartQueryExecution': '{"QueryExecutionId":"q1"}',
  'athena GetQueryExecution':
    '{"QueryExecution":{"Status":{"State":"SUCCEEDED"},"Statistics":{"DataScannedInBytes":1234}}}',
  'athena GetQueryResults':
    '{"ResultSet":{"Rows":[{"Data":[{"VarCharValue":"_col0"}]},{"Data":[{"VarCharValue":"228"}]}]}}',
  'monitoring DescribeAlarms': '<AlarmName>dq-run-failed</AlarmName><AlarmName>dq-dead-letters</AlarmName>',
  'monitoring SetAlarmState': '<SetAlarmStateResponse/>',
  'monitoring DescribeAlarmHistory':
    '<HistorySummary>Successfully executed action arn:aws:sns:eu-west-1:1:dq-Topic</HistorySummary>',
};

function actionOf({ headers, body, url }: Received): string {
  const service = /Credential=[^/]+\/\d+\/[^/]+\/([a-z0-9]+)\//.exec(String(headers.authorization))?.[1] ?? '';
  const action = String(headers['x-amz-target'] ?? '').split('.')[1] ?? new URLSearchParams(body).get('Action');
  return `${service} ${action ?? url.pathname}`;
}

async function smoked(changes: Readonly<Record<string, string | number>> = {}, ...args: string[]) {
  const answers = { ...healthy, ...changes };
  const server = await startLoopback((request) => {
    const answer = answers[actionOf(request)] ?? 404;
    const type = answer === 429 ? 'TooManyRequestsException' : 'AccessDeniedException';
    return typeof answer === 'number'
      ? { status: answer, body: `{"__type":"com.amazonaws#${type}","message":"not allowed: arn:…"}` }
      : { headers: { 'content-type': answer.startsWith('<') ? 'text/xml' : 'application/json' }, body: answer };
  });
  const s3 = await FakeS3.start();
  const env = { ...s3.environment, AWS_ENDPOINT_URL: server.url };
  const run = await callCli(['smoke', 'dq', ...args], { cwd: await tempFolder(), env });
  const encryptions = s3.writtenHeaders.map((headers) => headers['x-amz-server-side-encryption']);
  const bodies = server.received.map(({ body }) => body);
  return { ...run, asked: server.received.map(actionOf), bodies, encryptions };
}

describe('dqsync smoke', () => {
  it('confirms a run, conditional writes, both queries and an alarm that reaches its topic', async () => {
    const { exitCode, stdout, stderr, asked, bodies, encryptions } = await smoked();
    expect(stderr).toMatch(/^Running the function once\./);
    expect(stdout.split('\n').map((line) => line.slice(0, 9).trim())).toEqual([
      '✓ run',
      '✓ warehou',
      '✓ table',
      '✓ view',
      '✓ alarm',
      '',
    ]);
    expect(stdout).toContain('the function ran 2 targets');
    expect(stdout).toMatch(/dq\.quality_instances has 228 rows since \d{4}-\d\d-\d\d \(1,234 bytes scanned\)/);
    expect(stdout).toContain('dq-dead-letters fired and reached its topic');
    expect(exitCode).toBe(0);
    const states = bodies.flatMap((body) => new URLSearchParams(body).get('StateValue') ?? []);
    expect(states).toEqual(['ALARM', 'OK']);
    // As the functions write, because a bucket may refuse anything else.
    expect(new Set(encryptions)).toEqual(new Set(['AES256']));
    expect(asked.filter((action) => action.startsWith('athena Start'))).toHaveLength(2);
  });

  it.each([
    [
      'the function may not be invoked',
      { 'lambda /2015-03-31/functions/dq-sync/invocations': 404 },
      /✗ run .*lambda refused the call: AccessDeniedException: not allowed/,
    ],
    [
      'a scheduled run is in progress',
      { 'lambda /2015-03-31/functions/dq-sync/invocations': 429 },
      /✗ run .*TooManyRequestsException.*A scheduled run is in progress/,
    ],
    [
      'a secret is empty',
      { 'lambda /2015-03-31/functions/dq-sync/invocations': '[{"target":"sales","waitingFor":"credentials"}]' },
      /! run .*no credentials for sales yet.*put-secret-value/,
    ],
    [
      'the view is stale',
      {
        'athena GetQueryExecution':
          '{"QueryExecution":{"Status":{"State":"FAILED","StateChangeReason":"VIEW_IS_STALE: column x"}}}',
      },
      /✗ view .*the query q1 ended as FAILED: VIEW_IS_STALE: column x/,
    ],
    [
      'the workgroup is forbidden',
      { 'athena StartQueryExecution': 403 },
      /✗ table .*athena refused the call: AccessDen/,
    ],
    [
      'the topic admits no alarm',
      { 'monitoring DescribeAlarmHistory': '<HistorySummary>Failed to execute action arn:aws:sns:…</HistorySummary>' },
      /✗ alarm .*does not reach its topic: Failed to execute action.*npx cdk deploy/,
    ],
    ['there is no alarm', { 'monitoring DescribeAlarms': '<x/>' }, /✗ alarm .*there is no alarm dq-…/],
  ])('prints a remedy if %s', async (_what, changes, pattern) => {
    const { exitCode, stdout } = await smoked(changes);
    expect(stdout).toMatch(pattern);
    expect(exitCode).toBe(stdout.includes('✗') ? 1 : 0);
  });

  it('prints the checks as JSON, and refuses an unknown stack', async () => {
    expect(JSON.parse((await smoked({}, '--json')).stdout)).toMatchObject({ ok: true, checks: { length: 5 } });
    const missing =
      '<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id dq does not exist</Message></Error></ErrorResponse>';
    const server = await startLoopback(() => ({ status: 400, headers: { 'content-type': 'text/xml' }, body: missing }));
    const s3 = await FakeS3.start();
    const env = { ...s3.environment, AWS_ENDPOINT_URL: server.url };
    const { exitCode, stderr } = await runCli(['smoke', 'dq'], { cwd: await tempFolder(), env });
    expect(stderr).toContain('Stack with id dq does not exist');
    expect(exitCode).toBe(2);
  });
});
