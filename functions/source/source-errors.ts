/**
 * What went wrong at the source, in the user's words: replies and transport faults to `SourceError`s, and to
 * attempts that may be tried again.
 *
 * Pure. Built from named fields only; what the source said is cut short, freed of control characters and of secrets.
 */
import { isoTime, parseTime } from '../clock.ts';
import { CredentialsError, SourceError } from '../errors.ts';
import type { EpochMs, Window } from '../model.ts';
import type { Credentials } from './credentials.ts';
import type { FaultKind, HttpReply, TransportFault } from './http.ts';
import { FailedAttempt } from './retrying.ts';

/** What was being done, for messages. */
export interface Doing {
  /** The target's name. */
  readonly target: string;
  /** What was asked for, for example `the list of instances`. */
  readonly what: string;
  /** Who was asked: `the source`, `IAM`. */
  readonly who: string;
  /** The config key of the endpoint. */
  readonly endpointKey: 'source.endpoint' | 'source.iamEndpoint';
  readonly window?: Window | undefined;
  /** What to do where the source answers 403, if it is not the usual. */
  readonly forbidden?: string;
  /** Takes every known secret out of a text. */
  readonly redact: (text: string) => string;
}

/** The safe part of an error reply. */
export interface Complaint {
  /** `error_code`, for example `APIG.0308`. */
  readonly code: string | undefined;
  /** `error_msg`, cleaned and cut short. */
  readonly text: string | undefined;
  readonly requestId: string | undefined;
}

const maxComplaintChars = 300;

/** Whether the source refuses a request because the quota is used up, by its status or by the gateway's code. */
export function isOverQuota(httpStatus: number | undefined, code: string | undefined): boolean {
  return httpStatus === 429 || /^APIGW?\.0308$/.test(code ?? '');
}

/** Reads the error bodies of DataArts and the gateway (`error_code`, `error_msg`, `request_id`) and of IAM (`error.code`, `error.message`). */
export function complaintOf(reply: HttpReply, redact: (text: string) => string): Complaint {
  const body = parseObject(reply.text);
  const iam = asObject(body['error']);
  const clean = (value: unknown) => cleanText(value, redact);
  return {
    code: clean(body['error_code']) ?? clean(iam['code']),
    text: clean(body['error_msg']) ?? clean(iam['message']),
    requestId: clean(body['request_id']) ?? clean(reply.header('x-request-id')),
  };
}

/**
 * Returns the error for a reply that reports one.
 *
 * @param againAtMs when the source may be asked again, where it said so
 */
export function refusal(doing: Doing, reply: HttpReply, againAtMs: EpochMs | null = null): SourceError {
  const complaint = complaintOf(reply, doing.redact);
  const foreign =
    complaint.code === undefined && complaint.text === undefined ? foreignReply(reply, doing.redact) : null;
  const said = complaint.text ?? foreign;
  const isWithoutStatus = reply.status === 200;
  const status = isWithoutStatus ? 'an error (HTTP 200)' : `HTTP ${reply.status}`;
  const wait = againAtMs === null ? '' : `Run again after ${isoTime(againAtMs)}: the source asks to wait until then. `;
  return new SourceError(`${doing.who} refused ${subject(doing)} with ${status}${said === null ? '' : `: ${said}`}`, {
    remedy:
      foreign === null
        ? `${wait}${remedyFor(doing, reply.status, complaint)}`
        : `Check ${doing.endpointKey}, and whether a proxy or web filter between here and the API answers in its place.`,
    target: doing.target,
    window: doing.window,
    code: complaint.code,
    requestId: complaint.requestId,
    httpStatus: reply.status,
    retryable: reply.status >= 500 || reply.status === 429 || reply.status === 408,
  });
}

/** Names a reply that is not the API's: a redirect with the host it leads to, a web page with its title. Null for others. */
function foreignReply(reply: HttpReply, redact: (text: string) => string): string | null {
  const location = reply.header('location');
  if (reply.status >= 300 && reply.status < 400 && location !== undefined) {
    // The host alone: the rest of a login page's URL may hold secrets.
    const host = URL.canParse(location) ? new URL(location).origin : 'another path';
    return `a redirect to ${cleanText(host, redact) ?? 'an unreadable address'}`;
  }
  if (!/html/i.test(reply.header('content-type') ?? '') && !/^\s*<(!doctype html|html)/i.test(reply.text ?? '')) {
    return null;
  }
  const title = cleanText(/<title[^>]*>([^<]*)</i.exec(reply.text ?? '')?.[1], redact);
  const server = cleanText(reply.header('server'), redact);
  return `a web page${title === undefined ? '' : ` "${title}"`}${server === undefined ? '' : ` from ${server}`}`;
}

/** No reply came. */
export function unreachable(doing: Doing, fault: TransportFault): SourceError {
  return new SourceError(`${doing.who} could not be asked for ${subject(doing)}: ${fault.message}`, {
    remedy: faultRemedy(fault.kind, doing.endpointKey),
    target: doing.target,
    window: doing.window,
    code: fault.code,
    retryable: fault.kind !== 'tls' && fault.kind !== 'tooBig',
  });
}

/** The source refuses the credentials for good. */
export function refusedCredentials(
  reply: HttpReply,
  details: {
    readonly target: string;
    readonly redact: (text: string) => string;
    readonly secretRef: string;
    readonly form: Credentials['form'];
    readonly nowMs: EpochMs;
  },
): CredentialsError {
  const complaint = complaintOf(reply, details.redact);
  const said = complaint.text === undefined ? '' : `: ${complaint.text}`;
  const theirMs = parseTime(reply.header('date') ?? '');
  const skewMs = theirMs === null ? 0 : theirMs - details.nowMs;
  const skewHint =
    details.form === 'accessKey' && Math.abs(skewMs) > maxSkewMs
      ? ` This machine's clock is ${Math.round(Math.abs(skewMs) / 60_000)} minutes ${skewMs > 0 ? 'behind' : 'ahead of'} the source's, which alone makes signatures invalid: set it right first.`
      : '';
  return new CredentialsError(
    `the source refuses the credentials of the secret ${details.secretRef} with HTTP ${reply.status}${said}`,
    {
      remedy: `${credentialsRemedies[details.form]}${skewHint}`,
      target: details.target,
      code: complaint.code ?? `HTTP ${reply.status}`,
      requestId: complaint.requestId,
    },
  );
}

/** Beyond this a clock is worth a hint; the gateway tolerates about 15 minutes. */
const maxSkewMs = 300_000;

const credentialsRemedies: Readonly<Record<Credentials['form'], string>> = {
  accessKey:
    'Check in IAM that the access key is active and its user may use the project, and store its id and secret in the ' +
    'secret. Five failed signatures in a row lock a key for five minutes: wait that long before the next try.',
  password:
    'IAM gave a token, yet the source refuses it: check that the IAM user may use the project of targets[].projectId, ' +
    'and that source.endpoint and source.iamEndpoint are of one region.',
  token: 'Tokens live 24 hours: store a new one in the secret, or better an access key, which does not expire.',
};

/** A transport fault as an attempt that may be tried again, or as the final error. */
export function failedAttempt(fault: TransportFault, doing: Doing): FailedAttempt | SourceError {
  const error = unreachable(doing, fault);
  return error.retryable ? new FailedAttempt(fault.kind === 'connect' ? 'connect' : 'fault', error) : error;
}

/** HTTP 2xx, but the body is not what it should be. */
export function garbled(doing: Doing, reply: HttpReply, problem: string): SourceError {
  const type = cleanText(reply.header('content-type'), doing.redact) ?? 'no content type';
  const foreign = foreignReply(reply, doing.redact);
  const body = foreign ?? `a truncated or garbled body: ${problem} (${type})`;
  return new SourceError(`${doing.who} answered ${subject(doing)} with HTTP ${reply.status} and ${body}`, {
    remedy: `Run again; if it stays, check that ${doing.endpointKey} is the API's endpoint and no proxy or login page answers in its place.`,
    target: doing.target,
    window: doing.window,
    requestId: complaintOf(reply, doing.redact).requestId,
    httpStatus: reply.status,
    retryable: true,
  });
}

/** A text of the other side: one line, no control characters, no secrets, at most 300 characters; undefined where there is none. */
export function cleanText(value: unknown, redact: (text: string) => string): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') {
    return undefined;
  }
  const line = String(value)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  // A token that was echoed in part would not be recognised: anything as long and as dense is taken for one.
  const safe = redact(line).replace(/[A-Za-z0-9+/=_-]{60,}/g, '[redacted]');
  const short = safe.length <= maxComplaintChars ? safe : `${safe.slice(0, maxComplaintChars)}…`;
  return short === '' ? undefined : short;
}

/** Makes a function that takes secrets out of texts, as they are and as they look in URLs and JSON. */
export function redactor(secrets: () => Iterable<string>): (text: string) => string {
  return (text) => {
    let safe = text;
    for (const secret of secrets()) {
      for (const form of [secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)]) {
        safe = form === '' ? safe : safe.replaceAll(form, '[redacted]');
      }
    }
    return safe;
  };
}

function subject(doing: Doing): string {
  if (doing.window === undefined) {
    return doing.what;
  }
  const { fromMs, toMs } = doing.window;
  return `${doing.what} from ${isoTime(fromMs)} to ${isoTime(toMs)} (${fromMs} to ${toMs})`;
}

function remedyFor(doing: Doing, status: number, complaint: Complaint): string {
  const namesPlace = /workspace|project/i.test(complaint.text ?? '');
  if (status === 403) {
    return (
      doing.forbidden ??
      'Grant the user of the secret the permission to read DataArts Quality (a DAYU / DataArts Studio role, and ' +
        'membership of the workspace), and check targets[].workspace and targets[].projectId.'
    );
  }
  if ((status === 400 || status === 404) && namesPlace) {
    return 'Check targets[].workspace and targets[].projectId.';
  }
  if (status === 400) {
    return `Check what ${doing.who} said about the arguments against the config; if they are right, this is a defect of dqsync.`;
  }
  if (status === 429) {
    return 'Something else uses up the quota of this user: lower source.quota.requests, or give dqsync a user of its own.';
  }
  if (status >= 500 || status === 408) {
    return `The fault is on the side of ${doing.who}: run again later; if it stays, give the request id to Huawei Cloud support.`;
  }
  return `Check ${doing.endpointKey}, targets[].projectId and targets[].workspace.`;
}

function faultRemedy(kind: FaultKind, endpointKey: string): string {
  switch (kind) {
    case 'connect':
      return `Check ${endpointKey} and that this machine reaches it (DNS, firewall, VPC route to the internet).`;
    case 'tls':
      return `Check ${endpointKey}; behind a proxy of your own, name its certificate in NODE_EXTRA_CA_CERTS.`;
    case 'timeout':
    case 'reset':
      return 'The fault is on the network or on the other side: run again later.';
    case 'notHttp':
      return `Run again later; if it stays, check that ${endpointKey} is the endpoint of the API and no proxy answers in its place.`;
    case 'tooBig':
      return `Check that ${endpointKey} is the endpoint of the API.`;
  }
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
