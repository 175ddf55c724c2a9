/**
 * The loop of a backfill in Amazon States Language with JSONata. Pure.
 *
 * Users run in parallel, and the targets of one user in sequence: the source's quota belongs to a user, so more workers
 * would only wait for each other. All progress is in the checkpoint. Each invocation therefore continues after the last
 * commit, however the previous one ended.
 */
import { Aws } from 'aws-cdk-lib';

/** Errors of the function that a retry cannot fix. functions/lambda/create-handler.ts throws them. */
const permanentErrors = ['TargetsFailedError', 'ConfigError'];
/** Any other error: throttling, a sandbox that was killed or timed out, Lambda itself, a source that is down. */
const anyError = ['States.ALL'];
/** Another backfill uses the function's concurrency until its invocation ends. */
const placeTaken = ['Lambda.TooManyRequestsException'];

const inputKeys = ['from', 'to', 'targets', 'again', 'results'];

/** The arguments of a backfill's loop. */
interface BackfillLoop {
  readonly functionArn: string;
  /** Upper limit of the duration of an invocation. */
  readonly invocationSeconds: number;
  /** Names of targets, grouped by user. */
  readonly groups: readonly (readonly string[])[];
}

/** A state machine in the form that CloudFormation expects. */
type StateMachineDefinition = Readonly<Record<string, unknown>>;

/**
 * Returns the definition of the state machine. Its output is the last summary of each target. If a target failed, the
 * execution fails and names each failed target.
 *
 * There is no time limit. Step Functions allows 25,000 events per execution and an invocation takes seven, which lasts
 * for a month; an execution that reaches the limit fails like any other.
 */
export function backfillDefinition(loop: BackfillLoop): StateMachineDefinition {
  return {
    Comment: 'Backfills targets of dqsync: invokes its function for each target until it reports done',
    QueryLanguage: 'JSONata',
    StartAt: 'Is the input understood?',
    States: {
      'Is the input understood?': {
        Type: 'Choice',
        Choices: [{ Condition: jsonata(isMisunderstood(loop.groups.flat())), Next: 'Refuse the input' }],
        Default: 'Each user',
      },
      'Refuse the input': {
        Type: 'Fail',
        Error: 'ConfigError',
        Cause: `The input must be a JSON object. It may have "from", "to", "targets", "again" and "results", and no other key; "targets" may name: ${loop.groups.flat().join(', ')}.`,
      },
      'Each user': {
        Type: 'Map',
        Items: jsonata(wantedGroups(loop.groups)),
        ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt: 'Each target', States: eachTarget(loop) },
        Output: jsonata('[$states.result.ends]'),
        Next: 'Did any fail?',
      },
      'Did any fail?': {
        Type: 'Choice',
        Choices: [{ Condition: jsonata('$exists($states.input.error)'), Next: 'Name those that failed' }],
        Default: 'Done',
      },
      'Name those that failed': {
        Type: 'Fail',
        Error: 'TargetsFailedError',
        Cause: jsonata(
          '$count($states.input.error) & " of " & $count($states.input) & " targets failed. " & $join([$states.input[$exists(error)].("target " & target & ": " & error & ": " & cause)], " ")',
        ),
      },
      Done: { Type: 'Succeed' },
    },
  };
}

function eachTarget(loop: BackfillLoop): StateMachineDefinition {
  return {
    'Each target': {
      Type: 'Map',
      Items: jsonata('$states.input.targets'),
      ItemSelector: { target: jsonata('$states.context.Map.Item.Value') },
      MaxConcurrency: 1,
      ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt: 'Backfill', States: oneTarget(loop) },
      Output: { ends: jsonata('$states.result') },
      End: true,
    },
  };
}

function oneTarget({ functionArn, invocationSeconds }: BackfillLoop): StateMachineDefinition {
  return {
    Backfill: {
      Type: 'Task',
      Resource: `arn:${Aws.PARTITION}:states:::lambda:invoke`,
      Arguments: {
        FunctionName: functionArn,
        Payload: jsonata(
          '$merge([$states.context.Execution.Input, {"mode": "backfill", "targets": [$states.input.target]}])',
        ),
      },
      Output: jsonata('$states.result.Payload[0]'),
      TimeoutSeconds: invocationSeconds,
      Retry: [
        { ErrorEquals: permanentErrors, MaxAttempts: 0 },
        { ErrorEquals: placeTaken, ...backoff, MaxDelaySeconds: 120, MaxAttempts: 500 },
        { ErrorEquals: anyError, ...backoff, MaxDelaySeconds: 300, MaxAttempts: 8 },
      ],
      Catch: [{ ErrorEquals: anyError, Output: failure, Next: 'End of the target' }],
      Next: 'Is it done?',
    },
    'Is it done?': {
      Type: 'Choice',
      Choices: [{ Condition: jsonata('$states.input.done'), Next: 'End of the target' }],
      Default: 'Backfill',
    },
    'End of the target': { Type: 'Succeed' },
  };
}

const backoff = { IntervalSeconds: 5, BackoffRate: 2, JitterStrategy: 'FULL' } as const;

/** The cause of an error from the function is a JSON document. Any other cause is a sentence, or missing. */
const failure = {
  target: jsonata('$states.input.target'),
  error: jsonata('$states.errorOutput.Error'),
  cause: jsonata(
    '($cause := $string($states.errorOutput.Cause); $message := $substring($cause, 0, 1) = "{" and $substring($cause, -1) = "}" ? $parse($cause).errorMessage; $exists($message) ? $message : $exists($cause) ? $cause : "no cause given")',
  ),
} as const;

function isMisunderstood(targets: readonly string[]): string {
  const names = JSON.stringify(targets);
  return [
    // A list or a string has no keys, so it has no wrong key either.
    '$type($states.input) != "object"',
    `$count($keys($states.input)[$not($ in ${JSON.stringify(inputKeys)})]) > 0`,
    `($exists($states.input.targets) and $count($states.input.targets) = 0)`,
    `$count($states.input.targets[$not($ in ${names})]) > 0`,
  ].join(' or ');
}

/** Returns an expression for the targets that the input names, or all, by group. Empty groups are left out. */
function wantedGroups(groups: readonly (readonly string[])[]): string {
  const all = JSON.stringify(groups.map((targets) => ({ targets })));
  const wanted = `$exists($states.input.targets) ? $states.input.targets : ${JSON.stringify(groups.flat())}`;
  return `($wanted := ${wanted}; [${all}.{"targets": [targets[$ in $wanted]]}[$count(targets) > 0]])`;
}

function jsonata(expression: string): string {
  return `{% ${expression} %}`;
}
