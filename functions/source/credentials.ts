/**
 * Credentials: one JSON secret in one of three forms, in one of three places. No message contains a value of the
 * secret, a key that we do not know, or the parser's words about the text.
 */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { CredentialsError } from '../errors.ts';
import { awsFault, connectionsOf, isRegionMissing, type SentRequest, sentRequest } from '../network/aws.ts';
import { describeFault, type Fault, faultRemedy, isPassingFault } from '../network/faults.ts';
import type { ProxyEnvironment } from '../network/proxy.ts';

/** Signs each request with an access key, as Huawei Cloud recommends. */
export type AccessKeyCredentials = Readonly<z.output<typeof accessKeySchema>> & { readonly form: 'accessKey' };
/** Gets tokens from IAM with a user's password. */
export type PasswordCredentials = Readonly<z.output<typeof passwordSchema>> & { readonly form: 'password' };
/** A token that was created elsewhere. */
export type TokenCredentials = Readonly<z.output<typeof tokenSchema>> & { readonly form: 'token' };
/** The forms of a secret. */
export type Credentials = AccessKeyCredentials | PasswordCredentials | TokenCredentials;

/** Text for an HTTP header. Other characters would be a header injection or a typing error. */
const headerSafe = z
  .string()
  .min(1, { abort: true })
  .regex(/^[\x21-\x7e]+$/);

const accessKeySchema = z.strictObject({
  accessKeyId: headerSafe,
  secretAccessKey: headerSafe,
  securityToken: headerSafe.optional(),
});
const passwordSchema = z.strictObject({
  domainName: z.string().min(1),
  userName: z.string().min(1),
  password: z.string().min(1),
});
const tokenSchema = z.strictObject({ token: headerSafe });
const schemas = { accessKey: accessKeySchema, password: passwordSchema, token: tokenSchema } as const;

const shapes =
  '{"accessKeyId","secretAccessKey"} with an optional "securityToken", or {"domainName","userName","password"}, or {"token"}';
const shapeRemedy = `Store one JSON object of exactly one of these shapes, with values that are text without line breaks: ${shapes}.`;

/**
 * Parses a secret. A byte order mark at its start is accepted, as some editors write one.
 *
 * @param secretRef its reference, for messages
 * @throws CredentialsError naming the reference, what is wrong with which key, and the three forms
 */
export function parseCredentials(text: string, secretRef: string, target?: string): Credentials {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // Windows PowerShell 5 redirects into UTF-16.
    throw wrongShape(secretRef, text.includes('\0') ? 'is not UTF-8 text' : 'is not JSON', target);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongShape(secretRef, 'is JSON, but not an object', target);
  }
  const present = new Set(Object.keys(value));
  const forms = formNames.filter((form) => keysOf(form).some((key) => present.has(key)));
  const [form] = forms;
  if (form === undefined || forms.length > 1) {
    const known = formNames.flatMap(keysOf).filter((key) => present.has(key));
    const what =
      form === undefined ? 'has none of the keys of a secret' : `mixes keys of several shapes: ${quoted(known)}`;
    throw wrongShape(secretRef, what, target);
  }
  const result = parseAs(form, value);
  if (result.success) {
    return result.data;
  }
  const problems = result.error.issues.map((issue) => describeIssue(issue, present));
  // As `dqsync init` writes it.
  const isTemplate = result.error.issues.every(({ code }) => code === 'too_small');
  throw wrongShape(
    secretRef,
    `${isTemplate ? 'is not filled in' : 'has the wrong shape'}: ${problems.join('; ')}`,
    target,
  );
}

type Form = Credentials['form'];
const formNames = ['accessKey', 'password', 'token'] as const satisfies readonly Form[];

function keysOf(form: Form): string[] {
  return Object.keys(schemas[form].shape);
}

function parseAs(form: Form, value: object): z.ZodSafeParseResult<Credentials> {
  switch (form) {
    case 'accessKey':
      return accessKeySchema.transform((fields) => ({ form, ...fields })).safeParse(value);
    case 'password':
      return passwordSchema.transform((fields) => ({ form, ...fields })).safeParse(value);
    case 'token':
      return tokenSchema.transform((fields) => ({ form, ...fields })).safeParse(value);
  }
}

/** Never shows a key that we do not know: it may be the secret itself. */
function describeIssue(issue: z.core.$ZodIssue, present: ReadonlySet<string>): string {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.length === 1 ? 'it has 1 key too many' : `it has ${issue.keys.length} keys too many`;
  }
  const key = String(issue.path[0]);
  if (!present.has(key)) {
    return `"${key}" is missing`;
  }
  if (issue.code === 'invalid_type') {
    return `"${key}" is not text`;
  }
  return issue.code === 'too_small'
    ? `"${key}" is empty`
    : `"${key}" has a blank, a line break or another character that no HTTP header takes`;
}

function quoted(keys: readonly string[]): string {
  return keys.map((key) => `"${key}"`).join(', ');
}

/** Returns every text of the credentials that must never be shown. */
export function secretsOf(credentials: Credentials): string[] {
  switch (credentials.form) {
    case 'accessKey':
      return [
        credentials.secretAccessKey,
        ...(credentials.securityToken === undefined ? [] : [credentials.securityToken]),
      ];
    case 'password':
      return [credentials.password];
    case 'token':
      return [credentials.token];
  }
}

/** Returns whether two secrets have the same content. */
export function sameCredentials(a: Credentials, b: Credentials): boolean {
  const fields = (credentials: Credentials) => JSON.stringify(Object.entries(credentials).toSorted());
  return fields(a) === fields(b);
}

/**
 * Reads and parses a secret.
 *
 * @param secretRef `secretsmanager:<name or ARN>`, `file:<path>` or `env:<variable>`
 * @throws CredentialsError saying what is wrong and what to do; `signal.reason` when aborted
 */
export async function readCredentials(secretRef: string, reader: SecretReader = {}): Promise<Credentials> {
  reader.signal?.throwIfAborted();
  return parseCredentials(await readSecret(secretRef, reader), secretRef, reader.target);
}

/** The context in which a secret is read. */
export interface SecretReader {
  /** The target's name, for errors. */
  readonly target?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Names the proxies on the way to Secrets Manager. Default: none. */
  readonly environment?: ProxyEnvironment | undefined;
  /** Longest wait for Secrets Manager, all attempts together. Default: a minute. */
  readonly patienceMs?: number | undefined;
}

async function readSecret(secretRef: string, reader: SecretReader): Promise<string> {
  const colon = secretRef.indexOf(':');
  const place = secretRef.slice(0, colon);
  const name = secretRef.slice(colon + 1);
  switch (place) {
    case 'secretsmanager':
      return await readFromSecretsManager(secretRef, name, reader);
    case 'file':
      return await readFromFile(secretRef, name, reader);
    case 'env':
      return readFromEnvironment(secretRef, name, reader);
    default:
      throw new CredentialsError('targets[].credentials does not start with "secretsmanager:", "file:" or "env:"', {
        remedy: 'Set targets[].credentials to "secretsmanager:<name or ARN>", "file:<path>" or "env:<variable>".',
        target: reader.target,
      });
  }
}

async function readFromFile(secretRef: string, path: string, reader: SecretReader): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = errorCode(error);
    throw new CredentialsError(`the secret ${secretRef} cannot be read: ${code}`, {
      remedy:
        'Check the path in targets[].credentials (it is relative to the config file) and the permissions of the file.',
      target: reader.target,
      code,
    });
  }
}

function readFromEnvironment(secretRef: string, name: string, reader: SecretReader): string {
  const text = process.env[name];
  if (text === undefined || text === '') {
    throw new CredentialsError(`the secret ${secretRef} cannot be read: the environment variable is not set`, {
      remedy: `Set ${name} to the JSON of the secret, or change targets[].credentials. ${shapeRemedy}`,
      target: reader.target,
    });
  }
  return text;
}

async function readFromSecretsManager(secretRef: string, id: string, reader: SecretReader): Promise<string> {
  // Loaded here, so that runs without Secrets Manager do not pay for the SDK.
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const region = /^arn:[\w-]+:secretsmanager:([\w-]+):/.exec(id)?.[1];
  const { environment = {} } = reader;
  const client = new SecretsManagerClient({
    ...(region === undefined ? {} : { region }),
    maxAttempts: 4,
    ...connectionsOf(environment, {
      connectionTimeout: 5_000,
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
    }),
  });
  let sent: SentRequest = {};
  client.middlewareStack.add(
    (next) => (args) => {
      sent = sentRequest(args.request);
      return next(args);
    },
    { step: 'deserialize', priority: 'low' },
  );
  // The client's own timeouts do not cover a body that stops in the middle.
  const tooLong = AbortSignal.timeout(reader.patienceMs ?? 60_000);
  let text: string | undefined;
  try {
    const abortSignal = reader.signal === undefined ? tooLong : AbortSignal.any([reader.signal, tooLong]);
    const reply = await client.send(new GetSecretValueCommand({ SecretId: id }), { abortSignal });
    text = reply.SecretString;
  } catch (error) {
    reader.signal?.throwIfAborted();
    const reason = tooLong.aborted ? tooLong.reason : error;
    throw secretsManagerError(secretRef, reason, awsFault(reason, sent, environment), reader.target);
  } finally {
    client.destroy();
  }
  if (text === undefined) {
    throw wrongShape(secretRef, 'is binary', reader.target);
  }
  if (text.trim() === '') {
    throw emptySecret(secretRef, reader.target);
  }
  return text;
}

/** The error's `code` for a secret that exists and never had a value. */
export const emptySecretCode = 'EmptySecret';

/** Remedies by the SDK's error name. Any other error may be transient. */
const secretsManagerRemedies: Readonly<Record<string, string>> = {
  ResourceNotFoundException:
    'Create the secret, store its value if it has none yet, or correct its name, account and region in targets[].credentials (a full ARN includes the region).',
  AccessDeniedException:
    'Allow this role secretsmanager:GetSecretValue on the secret, and kms:Decrypt on its key if it has a customer managed one.',
  DecryptionFailure: 'Allow this role kms:Decrypt on the key of the secret.',
  InvalidRequestException: 'The secret is marked for deletion or has no value: restore it, or store a value.',
  InvalidParameterException: 'Correct the name of the secret in targets[].credentials.',
  ValidationException: 'Correct the name of the secret in targets[].credentials.',
  UnrecognizedClientException: 'The AWS credentials of this process are not valid: sign in to AWS again.',
  InvalidSignatureException: 'The AWS credentials of this process are not valid: sign in to AWS again.',
  ExpiredTokenException: 'The AWS credentials of this process have expired: sign in to AWS again.',
  CredentialsProviderError: 'This process has no AWS credentials: sign in to AWS, or set AWS_PROFILE.',
};

function secretsManagerError(
  secretRef: string,
  error: unknown,
  fault: Fault | null,
  target: string | undefined,
): CredentialsError {
  const what = `the secret ${secretRef} cannot be read from Secrets Manager`;
  if (fault !== null) {
    return new CredentialsError(`${what}: ${describeFault(fault)} (${fault.code})`, {
      remedy: faultRemedy(fault, 'AWS_REGION and AWS_ENDPOINT_URL'),
      target,
      code: fault.code,
      retryable: isPassingFault(fault),
    });
  }
  const name = error instanceof Error ? error.name : 'unknown error';
  // A missing secret has the same error name; only the message differs.
  if (name === 'ResourceNotFoundException' && error instanceof Error && error.message.includes('staging label')) {
    return emptySecret(secretRef, target);
  }
  const noRegion = isRegionMissing(error);
  const known = noRegion
    ? 'Set AWS_REGION, or name the secret by its full ARN.'
    : secretsManagerRemedies[name === 'DecryptionFailureException' ? 'DecryptionFailure' : name];
  const code = name === 'Error' ? (noRegion ? 'RegionMissing' : errorCode(error)) : name;
  return new CredentialsError(`${what}: ${noRegion ? 'no AWS region is set' : code}`, {
    remedy: known ?? 'Check that this machine can reach Secrets Manager, then run again.',
    target,
    code,
    retryable: known === undefined,
  });
}

function emptySecret(secretRef: string, target: string | undefined): CredentialsError {
  const name = secretRef.slice(secretRef.indexOf(':') + 1);
  return new CredentialsError(`the secret ${secretRef} has no value yet`, {
    remedy: `Store one: aws secretsmanager put-secret-value --secret-id ${name} --secret-string file://secret.json`,
    target,
    code: emptySecretCode,
  });
}

function wrongShape(secretRef: string, what: string, target: string | undefined): CredentialsError {
  return new CredentialsError(`the secret ${secretRef} ${what}`, { remedy: shapeRemedy, target });
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}
