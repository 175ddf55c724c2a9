/**
 * Turns replies and transport faults into `SourceError`s and retryable attempts, with messages for the user. Pure.
 *
 * Built only from named fields. The source's own texts are shortened, and control characters and secrets are removed.
 */
import { isoTime, parseTime, roundedDuration } from '../clock.ts';
import { CredentialsError, SourceError } from '../errors.ts';
import type { EpochMs, Window } from '../model.ts';
import { faultRemedy, isPassingFault } from '../network/faults.ts';
import { cleanText } from '../network/foreign-text.ts';
import { askableMs } from '../time-range.ts';
import type { Credentials } from './credentials.ts';
import type { HttpReply, TransportFault } from './http.ts';
import { FailedAttempt } from './retrying.ts';

/** The request that an error is about, for messages. */
export interface Doing {
  readonly target: string;
  /** What was requested, for example `the list of instances`. */
  readonly what: string;
  /** Who was asked: `the source`, `IAM`. */
  readonly who: string;
  readonly endpointKey: 'source.endpoint' | 'source.iamEndpoint';
  readonly window?: Window | undefined;
  /** The remedy for a 403, if it is not the usual one. */
  readonly forbidden?: string;
  /** Removes every known secret from a string. */
  readonly redact: (text: string) => string;
}

/** The safe part of an error reply. */
interface Complaint {
  /** For example `APIG.0308`. */
  readonly code: string | undefined;
  /** The message, cleaned and shortened. */
  readonly text: string | undefined;
  readonly requestId: string | undefined;
}

/** Returns whether a status or a gateway code says that the quota is used up. */
export function isOverQuota(httpStatus: number | undefined, code: string | undefined): boolean {
  return httpStatus === 429 || /^APIGW?\.0308$/.test(code ?? '');
}

/** Whether an error may concern only the requested object. Errors of credentials, quota or time limit concern all. */
export function mayBeOfOne(error: unknown): error is SourceError {
  const { httpStatus, code } = error instanceof SourceError ? error : {};
  return httpStatus !== undefined && httpStatus !== 401 && !isOverQuota(httpStatus, code);
}

/**
 * Names of the fields that hold an error's code and its text, in the order of preference, without case and separators.
 */
const codeNames = ['errorcode', 'code'];
const textNames = ['errormsg', 'errormessage', 'errordescription', 'message', 'msg', 'description', 'detail', 'reason'];
const requestNames = ['requestid', 'traceid'];

/**
 * Parses the error bodies of DataArts and its gateway (`error_code`, `error_msg`, `request_id`), of IAM (`error.code`,
 * `error.message`), and of gateways that name or nest these differently, or reply with plain text.
 */
export function complaintOf(reply: HttpReply, redact: (text: string) => string): Complaint {
  const body = parseObject(reply.text);
  const { error, errors } = body;
  const nested = [error, Array.isArray(errors) ? errors[0] : errors, body['fault']];
  const objects = [body, ...nested.map(asObject)].map(byPlainName);
  const clean = (value: unknown) => cleanText(value, redact);
  const first = (names: readonly string[]): string | undefined =>
    objects.flatMap((object) => names.map((name) => clean(object.get(name)))).find((value) => value !== undefined);
  // OAuth has a code there, others the whole text.
  const bare = nested.map(clean).find((value) => value !== undefined);
  const isPlainText = reply.status !== 200 && /^text\/plain/i.test(reply.header('content-type') ?? '');
  const text = first(textNames);
  return {
    code: first(codeNames) ?? (text === undefined ? undefined : bare),
    text: text ?? bare ?? (isPlainText ? clean(reply.text) : undefined),
    requestId: first(requestNames) ?? clean(reply.header('x-request-id')),
  };
}

/** Returns the fields of an object by their names in lower case without separators: `errorcode` for `error_code`. */
function byPlainName(object: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(object).map(([name, value]) => [name.replace(/[_.-]/g, '').toLowerCase(), value]));
}

/**
 * Returns the error for a reply that reports one.
 *
 * @param againAtMs when the source accepts requests again; null if unknown
 */
export function refusal(doing: Doing, reply: HttpReply, againAtMs: EpochMs | null = null): SourceError {
  const complaint = complaintOf(reply, doing.redact);
  const foreign = foreignReply(reply, doing.redact);
  const said = complaint.text ?? foreign;
  const status = reply.status === 200 ? 'an error (HTTP 200)' : `HTTP ${reply.status}`;
  const wait = againAtMs === null ? '' : `The source asks to wait until ${isoTime(againAtMs)}: run again after that. `;
  return new SourceError(`${doing.who} refused ${subject(doing)} with ${status}${said === null ? '' : `: ${said}`}`, {
    remedy: foreign === null ? `${wait}${remedyFor(doing, reply.status, complaint)}` : foreignRemedy(doing.endpointKey),
    target: doing.target,
    window: doing.window,
    code: complaint.code,
    requestId: complaint.requestId,
    httpStatus: reply.status,
    retryable: reply.status >= 500 || reply.status === 429 || reply.status === 408,
    mayBeOfRequest: reply.status >= 500 || reply.status === 200,
  });
}

function foreignRemedy(endpointKey: Doing['endpointKey']): string {
  return `Check ${endpointKey}, and whether a proxy or web filter replies instead of the API.`;
}

const entities: ReadonlyMap<unknown, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['#39', "'"],
]);

/**
 * Describes a reply that does not come from the API: a redirect with its host, a web page with its title. Null for any
 * other reply.
 */
export function foreignReply(reply: HttpReply, redact: (text: string) => string): string | null {
  const { code, text } = complaintOf(reply, redact);
  if (code !== undefined || text !== undefined) {
    return null;
  }
  const location = reply.header('location');
  if (reply.status >= 300 && reply.status < 400 && location !== undefined) {
    // Only the host, because the rest of a login page's URL may contain secrets.
    const host = URL.canParse(location) ? new URL(location).origin : 'another path';
    return `a redirect to ${cleanText(host, redact) ?? 'an unreadable address'}`;
  }
  if (!/html/i.test(reply.header('content-type') ?? '') && !/^\s*<(!doctype html|html)/i.test(reply.text ?? '')) {
    return null;
  }
  const [, escaped = ''] = /<title[^>]*>([^<]*)</i.exec(reply.text ?? '') ?? [];
  // Without entities, so that a secret is recognized.
  const title = cleanText(
    escaped.replace(/&(amp|lt|gt|quot|apos|#39);/g, (_, name) => entities.get(name) ?? ''),
    redact,
  );
  const server = cleanText(reply.header('server'), redact);
  return `a web page${title === undefined ? '' : ` "${title}"`}${server === undefined ? '' : ` from ${server}`}`;
}

/** Returns the error for a request without a reply. */
export function unreachable(doing: Doing, fault: TransportFault): SourceError {
  return new SourceError(`${doing.who} did not return ${subject(doing)}: ${fault.message}`, {
    remedy: faultRemedy(fault, doing.endpointKey),
    target: doing.target,
    window: doing.window,
    code: fault.code,
    retryable: isPassingFault(fault),
    // A firewall may reject the content of a reply. After a time limit, smaller requests would take too long as well.
    mayBeOfRequest: ['reset', 'tooBig', 'notHttp'].includes(fault.kind),
  });
}

/** Returns the error for credentials that the source refuses permanently. */
export function refusedCredentials(
  reply: HttpReply,
  credentials: Credentials,
  { target, redact, secretRef }: Pick<Doing, 'target' | 'redact'> & { readonly secretRef: string },
  nowMs: EpochMs,
): CredentialsError {
  const complaint = complaintOf(reply, redact);
  const foreign = foreignReply(reply, redact);
  const said = complaint.text ?? foreign;
  const theirMs = parseTime(reply.header('date') ?? '');
  const skewMs = theirMs === null ? 0 : theirMs - nowMs;
  const skewHint =
    credentials.form === 'accessKey' && Math.abs(skewMs) > maxSkewMs
      ? ` This machine's clock is ${roundedDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'behind' : 'ahead of'} the source's, which makes every signature invalid. Correct it first.`
      : '';
  return new CredentialsError(
    `the source refuses the credentials of the secret ${secretRef} with HTTP ${reply.status}${said === null ? '' : `: ${said}`}`,
    {
      remedy: foreign === null ? `${remedyOf(credentials)}${skewHint}` : foreignRemedy('source.endpoint'),
      target,
      code: complaint.code ?? `HTTP ${reply.status}`,
      requestId: complaint.requestId,
    },
  );
}

/** A larger skew is mentioned. The gateway tolerates about 15 minutes. */
const maxSkewMs = 300_000;

const credentialsRemedies: Readonly<Record<Credentials['form'], string>> = {
  accessKey:
    'Check in IAM that the access key is active and its user has access to the project, and store its id and secret in the ' +
    'secret. Five failed signatures in a row lock a key for five minutes: wait that long before you run again.',
  password:
    'IAM issued a token, but the source refuses it: check that the IAM user has access to the project of ' +
    'targets[].projectId, and that source.endpoint and source.iamEndpoint are in the same region.',
  token: 'Tokens expire after 24 hours: store a new one in the secret, or use an access key, which does not expire.',
};

function remedyOf(credentials: Credentials): string {
  return credentials.form === 'accessKey' && credentials.securityToken !== undefined
    ? 'Temporary access keys (those with a "securityToken") expire: store a new one with its token in the secret, or use a permanent access key.'
    : credentialsRemedies[credentials.form];
}

/** Turns a transport fault into a retryable attempt or a final error. */
export function failedAttempt(fault: TransportFault, doing: Doing): FailedAttempt | SourceError {
  const error = unreachable(doing, fault);
  const isUnconnected = fault.kind === 'connect' || fault.kind === 'proxy';
  return error.retryable ? new FailedAttempt(isUnconnected ? 'connect' : 'fault', error) : error;
}

/** Returns the error for a reply of status 2xx whose body is wrong. */
export function garbled(doing: Doing, reply: HttpReply, problem: string): SourceError {
  const coding = cleanText(reply.header('content-encoding'), doing.redact);
  const type = `${cleanText(reply.header('content-type'), doing.redact) ?? 'no content type'}${coding === undefined ? '' : `, content coding ${coding}`}`;
  const foreign = foreignReply(reply, doing.redact);
  const body = foreign ?? `a truncated or garbled body: ${problem} (${type})`;
  return new SourceError(`${doing.who} returned HTTP ${reply.status} with ${body} for ${subject(doing)}`, {
    remedy: `Run again. If this persists, check that ${doing.endpointKey} is the API's endpoint and that no proxy or login page replies instead.`,
    target: doing.target,
    window: doing.window,
    requestId: complaintOf(reply, doing.redact).requestId,
    httpStatus: reply.status,
    mayBeOfRequest: true,
  });
}

function subject(doing: Doing): string {
  return `${doing.what}${doing.window === undefined ? '' : describeWindow(doing.window)}`;
}

/** Describes a requested window, as the end of a phrase. An end that is only the limit of all requests is left out. */
function describeWindow({ fromMs, toMs }: Window): string {
  const from = fromMs === askableMs.first ? '' : ` from ${isoTime(fromMs)}`;
  return `${from}${toMs === askableMs.last ? '' : ` to ${isoTime(toMs)}`}`;
}

function remedyFor(doing: Doing, status: number, complaint: Complaint): string {
  const namesPlace = /workspace|project/i.test(complaint.text ?? '');
  if (status === 403) {
    return (
      doing.forbidden ??
      'Grant the user of the secret permission to read DataArts Quality (a DAYU / DataArts Studio role and membership in ' +
        'the workspace), and check targets[].workspace and targets[].projectId.'
    );
  }
  if ((status === 400 || status === 404) && namesPlace) {
    return 'Check targets[].workspace and targets[].projectId.';
  }
  if (status === 400) {
    return `Compare the message of ${doing.who} with your config. If the config is right, report a defect of dqsync.`;
  }
  if (status === 429 && doing.who === 'the source') {
    return 'Another client uses the quota of this user: lower source.quota.requests, or create a separate user for dqsync.';
  }
  if (status >= 500 || status === 408 || status === 429) {
    const facts = complaint.requestId === undefined ? 'the time and the error code' : 'the request id';
    return `${doing.who === 'IAM' ? 'IAM' : 'The source'} failed: run again later. If this persists, give ${facts} to Huawei Cloud support.`;
  }
  return `Check ${doing.endpointKey}, targets[].projectId and targets[].workspace.`;
}

function parseObject(text: string | null): Readonly<Record<string, unknown>> {
  try {
    return asObject(JSON.parse(text ?? ''));
  } catch {
    return {};
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
