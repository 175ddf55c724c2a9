/**
 * Credentials: one JSON secret in one of three forms, in one of three places. No message contains a value of the
 * secret, a key that we do not know, or the parser's message about the text.
 */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { CredentialsError, type ErrorDetails } from '../errors.ts';
import { awsFault, connectionsOf, isRegionMissing, LastRequest } from '../network/aws.ts';
import { describeFault, type Fault, faultRemedy, isPassingFault } from '../network/faults.ts';
import type { ProxyEnvironment } from '../network/proxy.ts';

/** Text for an HTTP header. Other characters would be a header injection or a typing error. */
const headerSafe = z
  .string()
  .min(1, { abort: true })
  .regex(/^[\x21-\x7e]+$/);
const filled = z.string().min(1);

const schemas = {
  accessKey: z
    .strictObject({ accessKeyId: headerSafe, secretAccessKey: headerSafe, securityToken: headerSafe.optional() })
    .transform((fields) => ({ form: 'accessKey' as const, ...fields })),
  password: z
    .strictObject({ domainName: filled, userName: filled, password: filled })
    .transform((fields) => ({ form: 'password' as const, ...fields })),
  token: z.strictObject({ token: headerSafe }).transform((fields) => ({ form: 'token' as const, ...fields })),
};

/** Signs each request with an access key, as Huawei Cloud recommends. */
export type AccessKeyCredentials = Readonly<z.output<typeof schemas.accessKey>>;
/** Gets tokens from IAM with a user's password. */
export type PasswordCredentials = Readonly<z.output<typeof schemas.password>>;
/** Any form; the third one is a token that was created elsewhere. */
export type Credentials = AccessKeyCredentials | PasswordCredentials | Readonly<z.output<typeof schemas.token>>;

const shapeRemedy =
  'Store a JSON object of one form: {"accessKeyId","secretAccessKey"} (and "securityToken" if the key is temporary), {"domainName","userName","password"} or {"token"}. Each value is a string without line breaks.';

/**
 * Parses a secret. A byte order mark at its start is accepted, as some editors write one.
 *
 * @param secretRef its reference, for messages
 * @throws CredentialsError naming the reference, what is wrong with which key, and the three forms
 */
export function parseCredentials(text: string, secretRef: string, target?: string): Credentials {
  const wrong = (what: string): CredentialsError => secretError({ ref: secretRef, target }, what);
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // Windows PowerShell 5 redirects into UTF-16.
    throw wrong(text.trim() === '' ? 'is empty' : text.includes('\0') ? 'is not UTF-8 text' : 'is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong('is JSON, but not an object');
  }
  const present = new Set(Object.keys(value));
  const forms = Object.values(schemas).filter((form) => keysOf(form).some((key) => present.has(key)));
  const [form] = forms;
  if (form === undefined) {
    throw wrong('has none of the keys of a secret');
  }
  if (forms.length > 1) {
    const known = forms.flatMap(keysOf).filter((key) => present.has(key));
    throw wrong(`mixes keys of several shapes: ${known.map((key) => `"${key}"`).join(', ')}`);
  }
  const result: z.ZodSafeParseResult<Credentials> = form.safeParse(value);
  if (result.success) {
    return result.data;
  }
  const problems = result.error.issues.map((issue) => describeIssue(issue, present));
  // As `dqsync init` writes it.
  const isTemplate = result.error.issues.every(({ code }) => code === 'too_small');
  throw wrong(`${isTemplate ? 'is not filled in' : 'has the wrong shape'}: ${problems.join('; ')}`);
}

function keysOf({ in: { shape } }: (typeof schemas)[keyof typeof schemas]): string[] {
  return Object.keys(shape);
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
    : `"${key}" has a blank, a line break or another character that is not allowed in an HTTP header`;
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
  return parseCredentials(await readSecret({ ref: secretRef, ...reader }), secretRef, reader.target);
}

interface SecretReader {
  /** The target's name, for errors. */
  readonly target?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Names the proxies on the way to Secrets Manager. Default: none. */
  readonly environment?: ProxyEnvironment | undefined;
  /** Longest wait for Secrets Manager, all attempts together. Default: a minute. */
  readonly patienceMs?: number | undefined;
}

interface Secret extends SecretReader {
  readonly ref: string;
}

async function readSecret(secret: Secret): Promise<string> {
  const [, place, name = ''] = /^(\w+):(.*)$/s.exec(secret.ref) ?? [];
  switch (place) {
    case 'secretsmanager':
      return await readFromSecretsManager(secret, name);
    case 'file':
      return await readFromFile(secret, name);
    case 'env':
      return readFromEnvironment(secret, name);
    default:
      throw new CredentialsError('targets[].credentials does not start with "secretsmanager:", "file:" or "env:"', {
        remedy: 'Set targets[].credentials to "secretsmanager:<name or ARN>", "file:<path>" or "env:<variable>".',
        target: secret.target,
      });
  }
}

async function readFromFile(secret: Secret, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = errorCode(error);
    const remedy =
      'Check the path in targets[].credentials (it is relative to the config file) and the permissions of the file.';
    throw secretError(secret, `cannot be read: ${code}`, { remedy, code });
  }
}

function readFromEnvironment(secret: Secret, name: string): string {
  const text = process.env[name];
  if (text === undefined || text === '') {
    throw secretError(secret, 'cannot be read: the environment variable is not set', {
      remedy: `Set ${name} to the JSON of the secret, or change targets[].credentials. ${shapeRemedy}`,
    });
  }
  return text;
}

async function readFromSecretsManager(secret: Secret, id: string): Promise<string> {
  // Loaded here, so that runs without Secrets Manager do not pay for the SDK.
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const region = /^arn:[\w-]+:secretsmanager:([\w-]+):/.exec(id)?.[1];
  const { environment = {}, signal, patienceMs = 60_000 } = secret;
  const client = new SecretsManagerClient({
    ...(region === undefined ? {} : { region }),
    maxAttempts: 4,
    ...connectionsOf(environment, {
      connectionTimeout: 5_000,
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
    }),
  });
  const last = new LastRequest();
  client.middlewareStack.add(last.watch, last.place);
  // The client's own timeouts do not cover a body that stops in the middle.
  const tooLong = AbortSignal.timeout(patienceMs);
  let text: string | undefined;
  try {
    const abortSignal = signal === undefined ? tooLong : AbortSignal.any([signal, tooLong]);
    const reply = await client.send(new GetSecretValueCommand({ SecretId: id }), { abortSignal });
    text = reply.SecretString;
  } catch (error) {
    signal?.throwIfAborted();
    const reason = tooLong.aborted ? tooLong.reason : error;
    throw secretsManagerError(secret, id, reason, awsFault(reason, last.sent, environment));
  } finally {
    client.destroy();
  }
  if (text === undefined) {
    throw secretError(secret, 'is binary');
  }
  if (text.trim() === '') {
    throw emptySecret(secret, id);
  }
  return text;
}

/** The error's `code` for a secret that exists and never had a value. */
export const emptySecretCode = 'EmptySecret';

const decryptionRemedy = 'Allow this role kms:Decrypt on the key of the secret.';

/** Remedies by the SDK's error name. Any other error may be transient. */
const secretsManagerRemedies: Readonly<Record<string, string>> = {
  ResourceNotFoundException:
    'Create the secret, store its value if it has none yet, or correct its name, account and region in targets[].credentials (a full ARN includes the region).',
  AccessDeniedException:
    'Allow this role secretsmanager:GetSecretValue on the secret, and kms:Decrypt on its key if it has a customer managed one.',
  DecryptionFailure: decryptionRemedy,
  DecryptionFailureException: decryptionRemedy,
  InvalidRequestException: 'The secret is marked for deletion or has no value: restore it, or store a value.',
  InvalidParameterException: 'Correct the name of the secret in targets[].credentials.',
  ValidationException: 'Correct the name of the secret in targets[].credentials.',
  UnrecognizedClientException: 'The AWS credentials of this process are not valid: sign in to AWS again.',
  InvalidSignatureException: 'The AWS credentials of this process are not valid: sign in to AWS again.',
  ExpiredTokenException: 'The AWS credentials of this process have expired: sign in to AWS again.',
  CredentialsProviderError: 'This process has no AWS credentials: sign in to AWS, or set AWS_PROFILE.',
};

function secretsManagerError(secret: Secret, id: string, error: unknown, fault: Fault | null): CredentialsError {
  const what = 'cannot be read from Secrets Manager';
  if (fault !== null) {
    return secretError(secret, `${what}: ${describeFault(fault)} (${fault.code})`, {
      remedy: faultRemedy(fault, 'AWS_REGION and AWS_ENDPOINT_URL'),
      code: fault.code,
      retryable: isPassingFault(fault),
    });
  }
  const name = error instanceof Error ? error.name : 'unknown error';
  // A missing secret has the same error name; only the message differs.
  if (name === 'ResourceNotFoundException' && error instanceof Error && error.message.includes('staging label')) {
    return emptySecret(secret, id);
  }
  if (isRegionMissing(error)) {
    const remedy = 'Set AWS_REGION, or name the secret by its full ARN.';
    return secretError(secret, `${what}: no AWS region is set`, { remedy, code: 'RegionMissing' });
  }
  const known = secretsManagerRemedies[name];
  const code = name === 'Error' ? errorCode(error) : name;
  return secretError(secret, `${what}: ${code}`, {
    remedy: known ?? 'Check that this machine can reach Secrets Manager, then run again.',
    code,
    retryable: known === undefined,
  });
}

function emptySecret(secret: Secret, id: string): CredentialsError {
  return secretError(secret, 'has no value yet', {
    remedy: `Store one: aws secretsmanager put-secret-value --secret-id ${id} --secret-string file://secret.json`,
    code: emptySecretCode,
  });
}

/** Returns an error of a secret. The remedy is by default to store one of the right shape. */
function secretError({ ref, target }: Secret, what: string, details: Partial<ErrorDetails> = {}): CredentialsError {
  return new CredentialsError(`the secret ${ref} ${what}`, { remedy: shapeRemedy, target, ...details });
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}
