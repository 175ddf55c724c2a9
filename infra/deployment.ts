/**
 * Parses the deployment file: the configuration of functions/config.ts and the settings of the stack. Pure. Finds every
 * error in them at synth, and names it by the path of its key.
 */
import * as z from 'zod';
import { dayInTimeZone, parseTime } from '../functions/clock.ts';
import { type Config, parseConfig, parseWith, timeZone, workspaceId } from '../functions/config.ts';
import type { LineOf } from '../functions/config-problems.ts';
import { ConfigError } from '../functions/errors.ts';
import { bucketForm, bucketPattern, parseWarehouseUrl } from '../functions/warehouse/location.ts';
import { isCron, ratePeriodMinutes, scheduleExpressionProblem } from './schedule-expression.ts';

/** Lambda stops a function after 900 s. This leaves time for a run to end and report its result. */
const longestRunSeconds = 840;
/** Longest period of an alarm in CloudWatch: one day. */
const longestPeriodMinutes = 1440;

const bucketName = z.string().regex(bucketPattern, { error: `must be ${bucketForm}` });

const kmsKeyArn = z.string().regex(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/, {
  error: 'must be the ARN of a KMS key: "arn:aws:kms:<region>:<account>:key/<id>", no alias',
});

const tagKey = /^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/iu;
/** Some services accept other values too, but the same tags are put on resources of all. */
const tagValue = z.string().regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u, {
  error: 'must be 1 to 256 letters, digits, blanks or "_.:/=+-@"',
});
const tagsSchema = z.record(z.string(), tagValue).refine((tags) => Object.keys(tags).every((key) => tagKey.test(key)), {
  error: 'must have keys of 1 to 128 letters, digits, blanks or "_.:/=+-@", not starting with "aws:"',
});

const secretReference = /^secretsmanager:(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:)?[\w/+=.@!-]{1,512}$/;

const logRetentionDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653] as const;

/** Returns a schema for text without a problem. */
function textWithout(problemIn: (text: string) => string | null): z.ZodString {
  return z.string().superRefine((text, context) => {
    const message = problemIn(text);
    if (message !== null) {
      context.addIssue({ code: 'custom', message });
    }
  });
}

const scheduleSchema = z
  .strictObject({
    expression: textWithout(scheduleExpressionProblem).default('rate(1 hour)'),
    timeZone: timeZone.default('UTC'),
    /** When the daily maintenance runs; a quarter past the hour, so that it rarely meets an hourly run. */
    maintenance: textWithout(scheduleExpressionProblem).default('cron(15 3 * * ? *)'),
    longestGapMinutes: z.int().min(1).max(longestPeriodMinutes).optional(),
  })
  .superRefine(({ expression, longestGapMinutes }, context) => {
    const isRate = ratePeriodMinutes(expression) !== null;
    if (isCron(expression) && longestGapMinutes === undefined) {
      const message =
        'is required with a cron expression: the longest time between two runs, on which the alarms are based';
      context.addIssue({ code: 'custom', path: ['longestGapMinutes'], message });
    }
    if (isRate && longestGapMinutes !== undefined) {
      const message = 'is only allowed with a cron expression; a rate defines its own period';
      context.addIssue({ code: 'custom', path: ['longestGapMinutes'], message });
    }
    if ((ratePeriodMinutes(expression) ?? 0) > longestPeriodMinutes) {
      const message = 'must fire at least once a day: alarms cannot look further back';
      context.addIssue({ code: 'custom', path: ['expression'], message });
    }
  });

const networkSchema = z
  .strictObject({
    subnetIds: z
      .array(z.string().regex(/^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/, { error: 'must be the id of a subnet' }))
      .default([]),
    securityGroupIds: z
      .array(z.string().regex(/^sg-([0-9a-f]{8}|[0-9a-f]{17})$/, { error: 'must be the id of a security group' }))
      .default([]),
    httpsProxy: textWithout(proxyProblem).optional(),
    noProxy: z.string().min(1).optional(),
    caFile: z.string().min(1).optional(),
  })
  .superRefine(({ subnetIds, securityGroupIds, httpsProxy, noProxy }, context) => {
    const missing = subnetIds.length === 0 ? 'subnetIds' : 'securityGroupIds';
    if ((subnetIds.length === 0) !== (securityGroupIds.length === 0)) {
      const message = 'is required: subnetIds and securityGroupIds go together';
      context.addIssue({ code: 'custom', path: [missing], message });
    }
    if (noProxy !== undefined && httpsProxy === undefined) {
      const message = 'is only allowed with httpsProxy: it lists the hosts that are reached without the proxy';
      context.addIssue({ code: 'custom', path: ['noProxy'], message });
    }
  });

/** The environment of a function is visible to everyone who may read its configuration, so no password may be in it. */
function proxyProblem(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return 'must be the URL of a proxy, for example "http://proxy.example.com:3128"';
  }
  return url.username === '' && url.password === ''
    ? null
    : 'must not contain a user or a password, because everyone who may see the function could read it: let the proxy admit the subnets instead';
}

const deploymentSchema = z.strictObject({
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,49}$/, { error: 'must be 1 to 50 letters, digits or "-", starting with a letter' })
    .default('dqsync'),
  schedule: scheduleSchema.prefault({}),
  alarmEmail: z.email({ error: 'must be an email address, for example "data-team@example.com"' }).optional(),
  bucketName: bucketName.optional(),
  existingSecrets: z.array(z.string().min(1)).default([]),
  existingKeys: z.array(kmsKeyArn).default([]),
  bucketKey: kmsKeyArn.optional(),
  otherWorkspaces: z.array(workspaceId).default([]),
  memoryMb: z.int().min(256).max(10_240).default(512),
  reservedConcurrency: z.int().min(1).max(10).nullable().default(1),
  logRetentionDays: z.literal(logRetentionDays).default(90),
  queryScanLimitGb: z.number().min(0.01).max(10_000).default(10),
  catalog: z.boolean().default(true),
  firstDay: z.iso.date({ error: 'must be a day, for example "2020-01-01"' }).optional(),
  database: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,99}$/, { error: 'must be lower-case letters, digits and "_", starting with a letter' })
    .optional(),
  analystPolicy: z.boolean().default(false),
  report: z.boolean().default(false),
  events: z.boolean().default(false),
  qualityAlarm: z
    .strictObject({
      newlyFailing: z.int().min(1).exactOptional(),
      passRatePercent: z.number().gt(0).max(100).exactOptional(),
    })
    .refine((alarm) => Object.keys(alarm).length > 0, { error: 'must have "newlyFailing", "passRatePercent" or both' })
    .optional(),
  tags: tagsSchema.default({}),
  network: networkSchema.default({ subnetIds: [], securityGroupIds: [] }),
  terminationProtection: z.boolean().default(false),
  permissionsBoundary: z
    .string()
    .regex(/^arn:[a-z-]+:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/, {
      error: 'must be the ARN of an IAM policy: "arn:aws:iam::<account>:policy/<name>"',
    })
    .optional(),
  runbook: z.string().min(1).default('infra/README.md'),
});

/** The keys of `deployment`, including nested ones: `schedule.expression`. */
export const deploymentKeys: readonly string[] = Object.keys(deploymentSchema.shape).flatMap((key) => {
  const parts = key === 'schedule' ? scheduleSchema.shape : key === 'network' ? networkSchema.shape : null;
  return parts === null ? key : Object.keys(parts).map((part) => `${key}.${part}`);
});

/** The part of the file that is about the deployment, as written there, defaults filled in. */
export type DeploymentSettings = Readonly<z.output<typeof deploymentSchema>>;

/** The arguments of the stack. */
export interface Deployment extends Omit<DeploymentSettings, 'database' | 'firstDay'> {
  readonly config: Config;
  /** The configuration as written, without `warehouse`. The function receives it, and fills in the defaults itself. */
  readonly writtenConfig: Readonly<Record<string, unknown>>;
  readonly warehouse: {
    /** Undefined if CloudFormation generates the name. */
    readonly bucketName: string | undefined;
    readonly isExisting: boolean;
    /** Empty, or ending in `/`. */
    readonly prefix: string;
  };
  /** Longest time between two scheduled runs. */
  readonly periodMinutes: number;
  readonly database: string;
  /** First day that Athena reads. */
  readonly firstDay: string;
}

/**
 * Checks the content of a deployment file, `{"config": …, "deployment": …}`.
 *
 * @param lineOf finds the line of a key in the file
 * @throws ConfigError naming every wrong key by its path
 */
export function parseDeployment(value: unknown, lineOf: LineOf = () => null): Deployment {
  const document = z.strictObject({ config: z.looseObject({}), deployment: z.unknown().optional() });
  const { config: written, deployment = {} } = parseWith(document, value, 'the document', lineOf);
  const config = parseConfig(written, '"config"', (path) => lineOf(['config', ...path]));
  const settings = parseWith(
    deploymentSchema,
    deployment,
    '"deployment"',
    (path) => lineOf(['deployment', ...path]),
    'infra/README.md',
  );
  const { expression, longestGapMinutes } = settings.schedule;
  const periodMinutes = ratePeriodMinutes(expression) ?? longestGapMinutes ?? longestPeriodMinutes;
  refuseUnreadableCredentials(config);
  refuseLongRuns(config, periodMinutes);
  refuseUnknownSecrets(config, settings);
  refuseForbiddenKey(config, settings);
  refuseAmbiguousDatabase(settings);
  refuseAnalystsWithoutCatalog(settings);
  const { warehouse: _, ...writtenConfig } = written;
  return {
    ...settings,
    firstDay: [settings.firstDay ?? firstDayOfRuns(config), firstDayOfRuns(config)].sort()[0] ?? '',
    config,
    writtenConfig,
    warehouse: warehouseOf(written['warehouse'], settings.bucketName),
    periodMinutes,
    database: settings.database ?? settings.stackName.replaceAll('-', '_'),
  };
}

/**
 * Returns the day of the earliest possible row. Requests are 1 ms wider than their window, and all rows in the reply
 * are kept.
 */
function firstDayOfRuns({ initialFrom, partitionTimeZone }: Config): string {
  return dayInTimeZone(partitionTimeZone)((parseTime(initialFrom) ?? 0) - 1);
}

/**
 * Returns the location of the warehouse.
 *
 * @param written the config's own key, without its default, which is a folder
 */
function warehouseOf(written: unknown, existingBucket: string | undefined): Deployment['warehouse'] {
  const key = 'config.warehouse';
  if (typeof written !== 'string') {
    return { bucketName: existingBucket, isExisting: existingBucket !== undefined, prefix: '' };
  }
  const location = parseWarehouseUrl(written);
  if (location.kind === 'file') {
    throw wrong(
      key,
      'is a folder, but a Lambda function has no persistent disk',
      'Set "s3://<bucket>[/<prefix>]", or leave it out.',
    );
  }
  if (existingBucket !== undefined && existingBucket !== location.bucket) {
    const what = `is in bucket "${location.bucket}", but deployment.bucketName is "${existingBucket}"`;
    throw wrong(key, what, 'Name the same bucket in both, or only in one.');
  }
  return {
    bucketName: location.bucket,
    isExisting: existingBucket !== undefined,
    prefix: location.prefix === '' ? '' : `${location.prefix}/`,
  };
}

function refuseUnreadableCredentials(config: Config): void {
  for (const [index, { credentials }] of config.targets.entries()) {
    if (!credentials.startsWith('secretsmanager:')) {
      const place = credentials.slice(0, credentials.indexOf(':'));
      throw wrong(
        `config.targets[${index}].credentials`,
        `is a "${place}:" reference, which only a terminal can read`,
        'Set "secretsmanager:<secret name or ARN>"; the stack creates the secret if it is a name.',
      );
    }
    if (!secretReference.test(credentials)) {
      // Without its value, which may be the secret itself.
      throw wrong(
        `config.targets[${index}].credentials`,
        'is not the name or the ARN of a secret',
        'Set "secretsmanager:<name>", of letters, digits and "/_+=.@-", or "secretsmanager:<ARN>".',
      );
    }
  }
}

function refuseLongRuns({ maxRunSeconds }: Config, periodMinutes: number): void {
  if (maxRunSeconds > longestRunSeconds) {
    const what = `is ${maxRunSeconds}, but Lambda stops every function after 900 s`;
    throw wrong('config.maxRunSeconds', what, `Set it to at most ${longestRunSeconds}.`);
  }
  // A run that is still active when the next one is due makes that one wait until its event expires and becomes a dead
  // letter.
  if (maxRunSeconds > periodMinutes * 60) {
    const what = `is ${maxRunSeconds}, longer than the ${periodMinutes * 60} s between two scheduled runs`;
    throw wrong('config.maxRunSeconds', what, 'Lower it, or run less often (deployment.schedule).');
  }
}

function refuseUnknownSecrets(config: Config, { existingSecrets }: DeploymentSettings): void {
  const used = new Set(config.targets.map(({ credentials }) => credentials));
  const index = existingSecrets.findIndex((name) => !used.has(`secretsmanager:${name}`));
  if (index >= 0) {
    const what = `is "${existingSecrets[index]}", but no target has the credentials "secretsmanager:${existingSecrets[index]}"`;
    throw wrong(`deployment.existingSecrets[${index}]`, what, 'Use the same names as in config.targets[].credentials.');
  }
}

/** The functions and the analysts need permission to use the key that the config sets for S3. */
function refuseForbiddenKey({ storage: { kmsKeyId } }: Config, { bucketKey }: DeploymentSettings): void {
  if (kmsKeyId !== undefined && kmsKeyId !== bucketKey) {
    const what = 'is a key that no function of the stack may use';
    throw wrong(
      'config.storage.kmsKeyId',
      what,
      'Set deployment.bucketKey to the ARN of the key, and both to the same.',
    );
  }
}

/** Glue ignores case, so two stacks whose names differ only by case would share one database. */
function refuseAmbiguousDatabase({ stackName, database }: DeploymentSettings): void {
  if (database === undefined && stackName !== stackName.toLowerCase()) {
    const what = `is required: the default is the stack's name, but "${stackName}" has capitals, which Glue ignores`;
    throw wrong(
      'deployment.database',
      what,
      'Set it to a name that no other stack uses, or use a stackName without capitals.',
    );
  }
}

function refuseAnalystsWithoutCatalog({ analystPolicy, catalog }: DeploymentSettings): void {
  if (analystPolicy && !catalog) {
    const what = 'is true, but without a catalog there is no workgroup to grant access to';
    throw wrong('deployment.analystPolicy', what, 'Set it to false, or deployment.catalog to true.');
  }
}

function wrong(key: string, what: string, remedy: string): ConfigError {
  return new ConfigError(`"${key}" ${what}`, { remedy, code: key });
}
