/**
 * Finds every place of a template where one resource sends to another, and checks that policies allow it.
 *
 * No emulator enforces policies, so a missing permission shows only on real AWS. Each reference from one resource to
 * another must be in one of the two tables below. Any other reference is reported, so that a new sender cannot be added
 * without its permission.
 */
import type { Template } from 'aws-cdk-lib/assertions';
import * as z from 'zod';

/** The permission of a delivery. */
type Permit =
  /** The policy of the receiver names the service that sends. */
  | { readonly by: 'receiver'; readonly service: string; readonly actions: readonly string[] }
  /** The sender works with a role, which the service may assume. */
  | {
      readonly by: 'role';
      readonly service: string;
      readonly actions: readonly string[];
      /** Path of the property with the role, or with the function if the sender is part of one. */
      readonly role: readonly string[];
      /**
       * Whether the trust must be limited to this account and one resource, because the service acts for any account.
       */
      readonly isConfusable: boolean;
    };

const alarmPermit = { by: 'receiver', service: 'cloudwatch.amazonaws.com', actions: ['sns:Publish'] } as const;
const byRole = (service: string, role: readonly string[], actions: readonly string[]): Permit => ({
  ...{ by: 'role', service: `${service}.amazonaws.com`, role, actions },
  isConfusable: service !== 'lambda',
});

/** References that are deliveries, as `<type> <path>`. */
const deliveries: Readonly<Record<string, Permit>> = {
  'AWS::CloudWatch::Alarm AlarmActions': alarmPermit,
  'AWS::CloudWatch::Alarm OKActions': alarmPermit,
  'AWS::CloudWatch::Alarm InsufficientDataActions': alarmPermit,
  'AWS::Scheduler::Schedule Target.Arn': byRole('scheduler', ['Target', 'RoleArn'], ['lambda:InvokeFunction']),
  'AWS::Scheduler::Schedule Target.DeadLetterConfig.Arn': byRole(
    'scheduler',
    ['Target', 'RoleArn'],
    ['sqs:SendMessage'],
  ),
  'AWS::StepFunctions::StateMachine DefinitionString': byRole('states', ['RoleArn'], ['lambda:InvokeFunction']),
  'AWS::Lambda::EventInvokeConfig DestinationConfig.OnFailure.Destination': byRole(
    'lambda',
    ['FunctionName'],
    ['sqs:SendMessage'],
  ),
  'AWS::Lambda::Function LoggingConfig.LogGroup': byRole(
    'lambda',
    ['Role'],
    ['logs:CreateLogStream', 'logs:PutLogEvents'],
  ),
  'AWS::Lambda::Function Environment.Variables.DQSYNC_CONFIG': byRole(
    'lambda',
    ['Role'],
    ['s3:GetObject', 's3:PutObject', 's3:PutObjectTagging', 's3:ListBucket'],
  ),
};

/**
 * References that are not deliveries, such as a name in a chart, a place in the catalog, or the owner of a resource.
 */
const mentions: readonly string[] = [
  'AWS::CloudWatch::Alarm Dimensions.Value',
  'AWS::CloudWatch::Dashboard DashboardBody',
  'AWS::Glue::Table TableInput.StorageDescriptor.Location',
  'AWS::Glue::Table TableInput.Parameters.storage.location.template',
  'AWS::Athena::WorkGroup WorkGroupConfiguration.ResultConfiguration.OutputLocation',
  'AWS::Lambda::EventInvokeConfig FunctionName',
  'AWS::SNS::Subscription TopicArn',
];

/** Conditions under which a policy may deny, because every sender of the stack fulfills their requirements. */
const harmlessDenials = ['aws:SecureTransport', 's3:TlsVersion', 's3:if-none-match', 's3:ObjectCreationOperation'];

const list = <T extends z.ZodType>(element: T) => z.union([z.array(element), element.transform((one) => [one])]);
const conditionSchema = z.record(z.string(), z.record(z.string(), z.unknown())).default({});
const statementSchema = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Action: list(z.string()),
  Resource: list(z.unknown()).default([]),
  Principal: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  Condition: conditionSchema,
});
const documentSchema = z.object({ Statement: z.array(statementSchema) });
const resourceSchema = z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) });
type Statement = z.output<typeof statementSchema>;
type Resource = z.output<typeof resourceSchema>;
type Resources = Readonly<Record<string, Resource>>;

/** A reference from one resource to another. */
interface Reference {
  readonly sender: string;
  readonly receiver: string;
  /** `<type of the sender> <path>`. */
  readonly place: string;
}

/** Returns a sentence for each delivery that is not permitted, and for each reference that is in neither table. */
export function deliveryProblems(template: Template): string[] {
  const resources = resourcesOf(template);
  return references(resources).flatMap((reference) => {
    const { sender, receiver, place } = reference;
    const permit = deliveries[place];
    if (permit === undefined) {
      return mentions.includes(place) ? [] : [`${sender} refers to ${receiver} by "${place}", which is in no table`];
    }
    const problems =
      permit.by === 'receiver' ? askReceiver(resources, reference, permit) : askRole(resources, reference, permit);
    return [...problems, ...obstacles(resources, receiver)].map((what) => `${sender} to ${receiver}: ${what}`);
  });
}

/** Returns the references that are deliveries, each once. */
export function deliveryPlaces(template: Template): string[] {
  const places = references(resourcesOf(template)).map(({ place }) => place);
  return [...new Set(places.filter((place) => place in deliveries))].sort();
}

function resourcesOf(template: Template): Resources {
  return z.record(z.string(), resourceSchema).parse(template.toJSON()['Resources']);
}

function references(resources: Resources): Reference[] {
  const isPolicy = (type: string): boolean => type.startsWith('AWS::IAM::') || type.endsWith('Policy');
  return Object.entries(resources).flatMap(([sender, { Type, Properties }]) =>
    isPolicy(Type)
      ? []
      : referencesIn(Properties, []).flatMap(({ id, path }) => {
          const receiver = resources[id];
          const isOther = receiver !== undefined && !receiver.Type.startsWith('AWS::IAM::');
          return isOther ? [{ sender, receiver: id, place: `${Type} ${path.join('.')}` }] : [];
        }),
  );
}

/** Returns the logical ids in a value, with the paths of their properties. */
function referencesIn(value: unknown, path: readonly string[]): { id: string; path: readonly string[] }[] {
  if (Array.isArray(value)) {
    return value.flatMap((each) => referencesIn(each, path));
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref') {
      return [{ id: String(inner), path }];
    }
    if (key === 'Fn::GetAtt') {
      return [{ id: String(Array.isArray(inner) ? inner[0] : inner), path }];
    }
    return referencesIn(inner, key.startsWith('Fn::') ? path : [...path, key]);
  });
}

function idsIn(value: unknown): string[] {
  return referencesIn(value, []).map(({ id }) => id);
}

function propertyAt(value: unknown, [key, ...rest]: readonly string[]): unknown {
  return key === undefined ? value : propertyAt(z.looseObject({}).safeParse(value).data?.[key], rest);
}

/** Returns the statements of the policies of a topic, queue or bucket. */
function policyOf(resources: Resources, receiver: string): Statement[] {
  return Object.values(resources).flatMap(({ Type, Properties }) => {
    const owners = [Properties['Topics'], Properties['Queues'], Properties['Bucket']].flatMap(idsIn);
    const isItsOwn = /::(Topic|Queue|Bucket)Policy$/.test(Type) && owners.includes(receiver);
    return isItsOwn ? documentSchema.parse(Properties['PolicyDocument']).Statement : [];
  });
}

function askReceiver(
  resources: Resources,
  { sender, receiver }: Reference,
  { service, actions }: Extract<Permit, { by: 'receiver' }>,
): string[] {
  const allowing = policyOf(resources, receiver).filter(
    ({ Effect, Principal, Condition, Resource }) =>
      Effect === 'Allow' &&
      z.object({ Service: z.literal(service) }).safeParse(Principal).success &&
      Condition['StringEquals']?.['aws:SourceAccount'] !== undefined &&
      matchesSender(Condition['ArnLike']?.['aws:SourceArn'], resources[sender]) &&
      Resource.flatMap(idsIn).includes(receiver),
  );
  const missing = actions.filter((action) => !allowing.some(({ Action }) => Action.includes(action)));
  return missing.map((action) => `its policy does not allow ${action} to ${service} for this account and alarm`);
}

/** Whether the last part of a pattern, after the last colon, matches the alarm's name. */
function matchesSender(pattern: unknown, sender: Resource | undefined): boolean {
  const glob = z.object({ 'Fn::Join': z.tuple([z.literal(''), z.array(z.unknown())]) }).safeParse(pattern).data;
  const last = String(glob?.['Fn::Join'][1].at(-1)).split(':').at(-1) ?? '';
  const regex = new RegExp(`^${last.replaceAll('*', '.*')}$`);
  return regex.test(String(sender?.Properties['AlarmName']));
}

function askRole(resources: Resources, reference: Reference, permit: Extract<Permit, { by: 'role' }>): string[] {
  const [owner = ''] = idsIn(propertyAt(resources[reference.sender]?.Properties, permit.role));
  const isFunction = resources[owner]?.Type === 'AWS::Lambda::Function';
  const [roleId = ''] = isFunction ? idsIn(resources[owner]?.Properties['Role']) : [owner];
  const role = resources[roleId];
  if (role?.Type !== 'AWS::IAM::Role') {
    return ['the sender has no role'];
  }
  const allowing = statementsOfRole(resources, roleId).filter(
    ({ Effect, Resource }) => Effect === 'Allow' && Resource.flatMap(idsIn).includes(reference.receiver),
  );
  const missing = permit.actions.filter((action) => !allowing.some(({ Action }) => Action.includes(action)));
  return [
    ...missing.map((action) => `role ${roleId} does not allow ${action}`),
    ...trustProblems(roleId, role, permit),
  ];
}

function trustProblems(roleId: string, role: Resource, permit: Extract<Permit, { by: 'role' }>): string[] {
  const trusting = documentSchema
    .parse(role.Properties['AssumeRolePolicyDocument'])
    .Statement.filter(({ Principal }) => z.object({ Service: z.literal(permit.service) }).safeParse(Principal).success);
  if (!trusting.some(({ Action }) => Action.includes('sts:AssumeRole'))) {
    return [`role ${roleId} does not trust ${permit.service}`];
  }
  const conditions = trusting.flatMap(({ Condition }) => Object.values(Condition).flatMap((each) => Object.keys(each)));
  return permit.isConfusable
    ? ['aws:SourceAccount', 'aws:SourceArn']
        .filter((key) => !conditions.includes(key))
        .map((key) => `role ${roleId} trusts ${permit.service} without ${key}`)
    : [];
}

function statementsOfRole(resources: Resources, roleId: string): Statement[] {
  const inline = z.array(z.object({ PolicyDocument: documentSchema })).default([]);
  const own = inline.parse(resources[roleId]?.Properties['Policies']).flatMap((each) => each.PolicyDocument.Statement);
  const attached = Object.values(resources).flatMap(({ Type, Properties }) =>
    Type === 'AWS::IAM::Policy' && idsIn(Properties['Roles']).includes(roleId)
      ? documentSchema.parse(Properties['PolicyDocument']).Statement
      : [],
  );
  return [...own, ...attached];
}

/** Returns obstacles of an allowed delivery: a denial in the receiver's policy, or a key that senders cannot use. */
function obstacles(resources: Resources, receiver: string): string[] {
  const denials = policyOf(resources, receiver).filter(({ Effect, Condition }) => {
    const keys = Object.values(Condition).flatMap((each) => Object.keys(each));
    return Effect === 'Deny' && (keys.length === 0 || !keys.every((key) => harmlessDenials.includes(key)));
  });
  const key = resources[receiver]?.Properties['KmsMasterKeyId'];
  return [
    ...denials.map(({ Action }) => `its policy denies ${Action.join(', ')}`),
    ...(key === undefined ? [] : ['it is encrypted by a key that no sender may use']),
  ];
}
