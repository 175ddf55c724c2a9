/**
 * Credentials: one JSON secret in one of three forms, in one of three places. No message contains a value of the
 * secret, a key that we do not know, or the parser's words about the text.
 */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { CredentialsError } from '../errors.ts';

/** Signs each request with an access key, as Huawei Cloud recommends. */
export type AccessKeyCredentials = Readonly<z.output<typeof accessKeySchema>> & { readonly form: 'accessKey' };
/** Gets tokens from IAM with a user's password. */
export type PasswordCredentials = Readonly<z.output<typeof passwordSchema>> & { readonly form: 'password' };
/** A token that was created elsewhere. */
export type TokenCredentials = Readonly<z.output<typeof tokenSchema>> & { readonly form: 'token' };
/** The forms of a secret. */
export type Credentials = AccessKeyCredentials | PasswordCredentials | TokenCredentials;

/** Text for an HTTP header. Other characters would be a header injection or a typing error. */
const headerSafe = z.string().regex(/^[\x21-\x7e]+$/);

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

const shapes =
  '{"accessKeyId","secretAccessKey"} with an optional "securityToken", or {"domainName","userName","password"}, or {"token"}';
const shapeRemedy = `Store one JSON object of exactly one of these shapes, with values that are text without line breaks: ${shapes}.`;

/**
 * Parses a secret.
 *
 * @param secretRef its reference, for messages
 * @throws CredentialsError naming the reference and the three forms
 */
export function parseCredentials(text: string, secretRef: string, target?: string): Credentials {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrongShape(secretRef, 'is not JSON', target);
  }
  const accessKey = accessKeySchema.safeParse(value);
  if (accessKey.success) {
    return { form: 'accessKey', ...accessKey.data };
  }
  const password = passwordSchema.safeParse(value);
  if (password.success) {
    return { form: 'password', ...password.data };
  }
  const token = tokenSchema.safeParse(value);
  if (token.success) {
    return { form: 'token', ...token.data };
  }
  throw wrongShape(secretRef, 'is JSON of a different shape', target);
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
      remedy: 'Check the path in targets[].credentials (it is relative to the working directory) and its permissions.',
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
  const client = new SecretsManagerClient({
    ...(region === undefined ? {} : { region }),
    maxAttempts: 4,
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
  // The client's own timeouts do not cover a body that stops in the middle.
  const tooLong = AbortSignal.timeout(reader.patienceMs ?? 60_000);
  let text: string | undefined;
  try {
    const abortSignal = reader.signal === undefined ? tooLong : AbortSignal.any([reader.signal, tooLong]);
    const reply = await client.send(new GetSecretValueCommand({ SecretId: id }), { abortSignal });
    text = reply.SecretString;
  } catch (error) {
    reader.signal?.throwIfAborted();
    throw secretsManagerError(secretRef, tooLong.aborted ? tooLong.reason : error, reader.target);
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

function secretsManagerError(secretRef: string, error: unknown, target: string | undefined): CredentialsError {
  const name = error instanceof Error ? error.name : 'unknown error';
  // A missing secret has the same error name; only the message differs.
  if (name === 'ResourceNotFoundException' && error instanceof Error && error.message.includes('staging label')) {
    return emptySecret(secretRef, target);
  }
  const noRegion = error instanceof Error && error.message === 'Region is missing';
  const known = noRegion
    ? 'Set AWS_REGION, or name the secret by its full ARN.'
    : secretsManagerRemedies[name === 'DecryptionFailureException' ? 'DecryptionFailure' : name];
  const code = name === 'Error' ? (noRegion ? 'RegionMissing' : errorCode(error)) : name;
  return new CredentialsError(`the secret ${secretRef} cannot be read from Secrets Manager: ${code}`, {
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
