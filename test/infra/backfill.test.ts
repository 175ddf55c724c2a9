import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseEvent } from '../../functions/lambda/event.ts';
import { aConfig, aTarget, aTemplate, expectResource } from './synthesized.ts';

const targets = [
  aTarget(),
  aTarget({ name: 'hr', credentials: 'secretsmanager:dataarts/hr' }),
  aTarget({ name: 'returns' }),
];
const template = aTemplate(aConfig({ targets }), {});

const part = z.union([z.string(), z.object({ Ref: z.string() }), z.object({ 'Fn::GetAtt': z.array(z.string()) })]);
const machine = z.object({
  Properties: z.object({ DefinitionString: z.object({ 'Fn::Join': z.tuple([z.literal(''), z.array(part)]) }) }),
});
const state = z.looseObject({ Type: z.string() });
const states = z.record(z.string(), state);
const map = z.looseObject({
  Items: z.string(),
  MaxConcurrency: z.number().optional(),
  ItemProcessor: z.object({ StartAt: z.string(), States: states }),
});

/** Returns the machine's definition, with references in angle brackets. */
function definition(from: Template = template) {
  const [only] = Object.values(from.findResources('AWS::StepFunctions::StateMachine'));
  const parts = machine.parse(only).Properties.DefinitionString['Fn::Join'][1];
  const text = parts.map((each) => (typeof each === 'string' ? each : `<${Object.values(each).flat()[0]}>`)).join('');
  return z.looseObject({ StartAt: z.string(), States: states }).parse(JSON.parse(text));
}

/** Returns all states, including those in maps. */
function allStates(from: z.output<typeof states>): z.output<typeof states> {
  const inner = Object.values(from)
    .filter(({ Type }) => Type === 'Map')
    .map((each) => allStates(map.parse(each).ItemProcessor.States));
  return Object.assign({}, from, ...inner);
}

describe("the backfill's function", () => {
  it('equals the scheduled function except for its concurrency, its metrics and its failed events', () => {
    const all = z
      .record(z.string(), z.object({ Properties: z.record(z.string(), z.unknown()) }))
      .parse(template.findResources('AWS::Lambda::Function'));
    const [scheduled, backfill] = ['Sync', 'BackfillRun'].map(
      (owner) => Object.entries(all).find(([id]) => id.startsWith(owner))?.[1].Properties,
    );
    const ownKeys = ['Description', 'Environment', 'LoggingConfig', 'ReservedConcurrentExecutions', 'Role'];
    const shared = (properties = {}) => Object.entries(properties).filter(([key]) => !ownKeys.includes(key));

    expect(shared(backfill)).toEqual(shared(scheduled));
    expect(shared(backfill).length).toBeGreaterThan(5);
    expect(backfill).toMatchObject({
      Environment: { Variables: { DQSYNC_METRICS_NAMESPACE: 'dqsync/dqsync/backfill' } },
    });
  });

  it('reserves concurrency for each user, or none if the schedule reserves none', () => {
    const reserved = (deployment: Readonly<Record<string, unknown>>, value: unknown) =>
      expectResource(aTemplate(aConfig({ targets }), deployment), 'AWS::Lambda::Function', {
        Description: Match.stringLikeRegexp('backfill'),
        ReservedConcurrentExecutions: value,
      });
    reserved({}, 2);
    reserved({ reservedConcurrency: null }, Match.absent());
  });
});

describe("the backfill's state machine", () => {
  it('runs users in parallel, and the targets of one user in sequence', () => {
    const users = map.parse(definition().States['Each user']);
    expect(users.Items).toContain('[{"targets":["sales","returns"]},{"targets":["hr"]}]');
    expect(users.MaxConcurrency).toBeUndefined();
    expect(map.parse(users.ItemProcessor.States['Each target']).MaxConcurrency).toBe(1);
  });

  it('invokes its function until it is done, and retries transient errors', () => {
    const all = allStates(definition().States);
    expect(all['Backfill']).toMatchObject({
      Resource: 'arn:<AWS::Partition>:states:::lambda:invoke',
      Arguments: { FunctionName: '<BackfillRunFunctionEFCD8C31>' },
      Next: 'Is it done?',
      Retry: [
        { ErrorEquals: ['TargetsFailedError', 'ConfigError'], MaxAttempts: 0 },
        { ErrorEquals: ['Lambda.TooManyRequestsException'], BackoffRate: 2, JitterStrategy: 'FULL' },
        { ErrorEquals: ['States.ALL'], BackoffRate: 2, JitterStrategy: 'FULL' },
      ],
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'End of the target' }],
    });
    expect(all['Is it done?']).toMatchObject({ Default: 'Backfill' });
  });

  it('waits for an invocation longer than Lambda lets it run', () => {
    expectResource(template, 'AWS::Lambda::Function', { Timeout: 900 });
    expect(allStates(definition().States)['Backfill']).toMatchObject({ TimeoutSeconds: 930 });
  });

  it('refuses an input that is not an object before it does anything', () => {
    const first = definition().States['Is the input understood?'];
    expect(JSON.stringify(first)).toContain('$type($states.input) != \\"object\\"');
    expect(first).toMatchObject({ Choices: [{ Next: 'Refuse the input' }] });
  });

  it('accepts the keys that its function understands, and no others', () => {
    const { Choices } = z
      .looseObject({ Choices: z.array(z.looseObject({ Condition: z.string() })) })
      .parse(definition().States['Is the input understood?']);
    const [, keys = '[]'] = /\$not\(\$ in (\[[^\]]*\])\)\]\) > 0/.exec(Choices[0]!.Condition) ?? [];
    const input = { from: '2026-01-01', to: '2026-02-01', targets: ['sales'], again: true, results: true };
    expect(JSON.parse(keys)).toEqual(Object.keys(input));
    expect(parseEvent({ mode: 'backfill', ...input })).toMatchObject(input);
  });

  it('refers only to states that exist', () => {
    const all = allStates(definition().States);
    const next = z.looseObject({ Next: z.string() });
    const targetsOf = (value: unknown): string[] => {
      const own = next.safeParse(value).data?.Next ?? [];
      const inner = typeof value === 'object' && value !== null ? Object.values(value).flatMap(targetsOf) : [];
      return [...inner, ...[own].flat()];
    };
    const named = targetsOf(all);
    expect(named.length).toBeGreaterThan(6);
    expect(named.filter((name) => !(name in all))).toEqual([]);
  });

  it('outputs what the terminal needs to follow it', () => {
    expect(template.findOutputs('TargetNames')).toMatchObject({ TargetNames: { Value: 'sales,hr,returns' } });
    expect(Object.keys(template.findOutputs('BackfillStateMachineArn'))).toHaveLength(1);
    expect(Object.keys(template.findOutputs('BackfillFunctionName'))).toHaveLength(1);
    expectResource(template, 'AWS::StepFunctions::StateMachine', {
      StateMachineName: 'dqsync-backfill',
      StateMachineType: 'STANDARD',
    });
  });
});
