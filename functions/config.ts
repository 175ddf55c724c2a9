/**
 * The configuration: one zod schema for the CLI, the Lambda and the CDK app.
 *
 * Pure: takes text or a plain object, returns a `Config` or throws a `ConfigError`. Refuses unknown keys and wrong
 * values with the path of the key and the allowed values.
 */
import * as z from 'zod';
import { dayInTimeZone, parseTime } from './clock.ts';
import { describeProblems, type LineOf } from './config-problems.ts';
import { ConfigError } from './errors.ts';
import { taskTypes } from './filters.ts';
import type { EpochMs, TargetFilter } from './model.ts';
import { warehouseForm, warehouseLocation } from './warehouse/location.ts';

/** `start_time` is sent with 13 digits, so nothing before 2001-09-09T01:46:40.001Z can be requested. */
const earliestAskableMs: EpochMs = 1_000_000_000_001;

const endpoint = z.string().refine(isSafeEndpoint, {
  error: 'must be an https:// URL without path (http:// is allowed on 127.0.0.1, [::1] and localhost only)',
});

/** Part of an object key: letters, digits, `.`, `_`, `-`, not starting with `.`. */
const pathSafe = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/, {
  error: 'must be 1 to 128 letters (A to Z, a to z), digits, ".", "_" or "-", not starting with "."',
});

/** The workspace id names a partition. DuckDB, Hive and Athena read these partition names as NULL. */
export const workspaceId = pathSafe.refine((text) => !/^(null|__hive_default_partition__)$/i.test(text), {
  error: 'must not be "null" or "__HIVE_DEFAULT_PARTITION__": query engines read these partition names as NULL',
});

const targetSchema = z.strictObject({
  name: pathSafe,
  projectId: pathSafe,
  workspace: workspaceId,
  credentials: z.string().regex(/^(secretsmanager|file|env):\S/, {
    error: 'must be "secretsmanager:<secret name or ARN>", "file:<path>" or "env:<variable>"',
  }),
  filter: z
    .strictObject({
      name: z.string().min(1).exactOptional(),
      taskType: z.enum(taskTypes).exactOptional(),
    } satisfies Record<keyof TargetFilter, z.ZodType>)
    .default({}),
});

const sourceSchema = z.strictObject({
  endpoint,
  iamEndpoint: endpoint.optional(),
  quota: z
    .strictObject({
      requests: z.int().min(1).max(1_000_000).default(40),
      perSeconds: z.number().positive().max(3600).default(10),
      /** Share of the quota that a backfill leaves to scheduled runs. */
      reservedForSync: z.number().min(0).max(0.9).default(0.25),
    })
    .prefault({}),
});

/** How to write to an S3 bucket. Refused when a folder is opened. */
export const storageSchema = z
  .strictObject({
    encryption: z.enum(['AES256', 'aws:kms', 'aws:kms:dsse']).exactOptional(),
    kmsKeyId: z.string().min(1).exactOptional(),
    pathStyle: z.boolean().exactOptional(),
  })
  .refine(({ encryption, kmsKeyId }) => kmsKeyId === undefined || encryption?.startsWith('aws:kms'), {
    path: ['kmsKeyId'],
    error: 'is only allowed with "encryption": "aws:kms" or "aws:kms:dsse"',
  })
  .default({});

const instant = z
  .string()
  .refine(
    (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text) && parseTime(text) !== null,
    {
      error: ({ input }) =>
        `must be an ISO 8601 instant with a zone, for example "2026-01-01T00:00:00Z", not ${JSON.stringify(input)}`,
    },
  )
  .refine((text) => (parseTime(text) ?? 0) >= earliestAskableMs, {
    error: 'must be later than 2001-09-09T01:46:40Z: the source takes 13-digit epoch milliseconds only',
  });

/**
 * Name of an IANA time zone: `UTC` or Area/City. The runtime also accepts abbreviations and offsets, but CST is Chicago
 * there and China to most users here.
 */
export const timeZone = z.string().refine((text) => isAreaCity(text) && isTimeZone(text), {
  error: ({ input }) =>
    `must be "UTC" or an Area/City name of the IANA database such as "Asia/Shanghai", not "${input}"`,
});

/** The executions whose rule results are fetched: failed and alarming ones, all finished ones, or none. */
const resultsChoices = ['failed', 'all', 'none'] as const;

const configSchema = z.strictObject({
  /** For editors. dqsync ignores it. */
  $schema: z.string().optional(),
  warehouse: z
    .string()
    .refine((url) => warehouseLocation(url) !== null, { error: `must be ${warehouseForm}` })
    .default('file:./.dqsync/warehouse'),
  storage: storageSchema,
  source: sourceSchema,
  targets: z
    .array(targetSchema)
    .min(1)
    .superRefine((targets, context) => {
      targets.forEach((target, index) => {
        if (targets.findIndex((other) => other.name === target.name) < index) {
          context.addIssue({
            code: 'custom',
            path: [index, 'name'],
            message: `"${target.name}" is used twice; each target needs a name of its own`,
          });
        }
      });
    }),
  initialFrom: instant,
  settleSeconds: z.number().min(0).max(86_400).default(60),
  lookbackMinutes: z.number().min(0).max(10_080).default(15),
  maxOpenDays: z.number().positive().max(365).default(7),
  partitionTimeZone: timeZone.default('UTC'),
  maxRunSeconds: z.number().positive().max(86_400).default(840),
  tasks: z.boolean().default(true),
  results: z.enum(resultsChoices).default('failed'),
  /** Number of days for which the daily audit compares the source's counts with the recorded coverage. */
  audit: z.strictObject({ days: z.int().min(1).max(365).default(30) }).prefault({}),
});

/** Returns the JSON Schema of a config file, for editors: keys, types, limits and defaults. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
}

/** A checked configuration with its defaults filled in. */
export type Config = Readonly<z.output<typeof configSchema>>;
/** One entry of `targets`. */
export type TargetConfig = Config['targets'][number];

/**
 * Checks a configuration.
 *
 * @param value the parsed JSON
 * @param origin its name in messages, for example the file's name
 * @param lineOf finds the line of a key in that file
 * @throws ConfigError naming every wrong key and what is allowed there
 */
export function parseConfig(value: unknown, origin: string, lineOf: LineOf = () => null): Config {
  return parseWith(configSchema, value, origin, lineOf);
}

/**
 * Checks a document against a schema, with the same messages as `parseConfig`.
 *
 * @param reference the document that describes the keys
 * @throws ConfigError naming every wrong key and what is allowed there
 */
export function parseWith<T>(
  schema: z.ZodType<T>,
  value: unknown,
  origin: string,
  lineOf: LineOf = () => null,
  reference = 'The README',
): T {
  const result = schema.safeParse(value);
  if (result.success) {
    return result.data;
  }
  const problems = describeProblems(schema, value, lineOf);
  throw new ConfigError(`${origin} is not a valid configuration: ${problems.join('; ')}`, {
    remedy: `${reference} lists every key with its unit and default.`,
  });
}

/**
 * Returns where tokens are requested: `source.iamEndpoint`, or the one that belongs to a `dayu.<region>` endpoint, or
 * undefined.
 */
export function iamEndpointOf(source: Pick<Config['source'], 'endpoint' | 'iamEndpoint'>): string | undefined {
  if (source.iamEndpoint !== undefined) {
    return source.iamEndpoint;
  }
  const match = /^https:\/\/dayu\.([a-z0-9-]+\.myhuaweicloud\.(?:com|eu))\/?$/.exec(source.endpoint);
  return match === null ? undefined : `https://iam.${match[1]}`;
}

function isSafeEndpoint(text: string): boolean {
  if (!URL.canParse(text)) {
    return false;
  }
  const url = new URL(text);
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  const bare =
    url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  return bare && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback));
}

function isAreaCity(text: string): boolean {
  return text === 'UTC' || /^[A-Z][A-Za-z_]+(\/[A-Z][A-Za-z0-9_+-]*)+$/.test(text);
}

function isTimeZone(text: string): boolean {
  try {
    dayInTimeZone(text);
    return true;
  } catch {
    return false;
  }
}
