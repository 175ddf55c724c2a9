/**
 * Requests IAM tokens with a user's password, scoped to the project.
 *
 * Source: Huawei Cloud IAM, "Obtaining a User Token Through Password Authentication": `POST /v3/auth/tokens`, the token
 * in header `X-Subject-Token`, valid 24 hours.
 */
import { CredentialsError } from '../errors.ts';
import type { PasswordCredentials } from './credentials.ts';
import { type Endpoint, type HttpReply, TransportFault } from './http.ts';
import { FailedAttempt, type RetryContext, retrying } from './retrying.ts';
import { complaintOf, type Doing, failedAttempt, foreignReply, garbled, refusal } from './source-errors.ts';

/** The parts of a token request, with the target and what to keep out of messages. */
interface TokenRequest extends Pick<Doing, 'target' | 'redact'> {
  readonly credentials: PasswordCredentials;
  readonly secretRef: string;
  readonly projectId: string;
  readonly iam: Endpoint;
  readonly retry: RetryContext;
}

/**
 * Requests a token.
 *
 * @throws CredentialsError if IAM refuses the user (4xx), naming the secret and IAM's code; SourceError if IAM cannot
 * be reached; `signal.reason` when aborted
 */
export async function requestToken(request: TokenRequest): Promise<string> {
  const { target, redact } = request;
  const doing: Doing = { target, redact, what: 'a token', who: 'IAM', endpointKey: 'source.iamEndpoint' };
  return await retrying(async () => judge(await send(request, doing), request, doing), request.retry);
}

async function send(request: TokenRequest, doing: Doing): Promise<HttpReply> {
  const { userName, password, domainName } = request.credentials;
  const body = {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name: userName, password, domain: { name: domainName } } },
      },
      scope: { project: { id: request.projectId } },
    },
  };
  try {
    return await request.iam.send(
      {
        method: 'POST',
        path: '/v3/auth/tokens',
        headers: {
          Accept: 'application/json',
          'Content-Type': 'application/json;charset=utf8',
        },
        body: JSON.stringify(body),
      },
      request.retry.signal,
    );
  } catch (error) {
    throw error instanceof TransportFault ? failedAttempt(error, doing) : error;
  }
}

function judge(reply: HttpReply, request: TokenRequest, doing: Doing): string {
  const { status } = reply;
  if (status === 200 || status === 201) {
    const text = reply.header('x-subject-token');
    if (text === undefined || text === '') {
      throw new FailedAttempt('fault', garbled(doing, reply, 'it has no header X-Subject-Token'));
    }
    return text;
  }
  if (status >= 500 || status === 429 || status === 408) {
    throw new FailedAttempt('fault', refusal(doing, reply));
  }
  // A redirect or a web page is not of IAM, so it says nothing about the user.
  throw foreignReply(reply, doing.redact) !== null ? refusal(doing, reply) : refusedUser(reply, request, doing);
}

function refusedUser(reply: HttpReply, request: TokenRequest, doing: Doing): CredentialsError {
  const complaint = complaintOf(reply, doing.redact);
  const said = complaint.text === undefined ? '' : `: ${complaint.text}`;
  return new CredentialsError(
    `IAM did not issue a token for the secret ${request.secretRef}: HTTP ${reply.status}${said}`,
    {
      remedy: remedyFor(reply.status, complaint.text ?? ''),
      target: doing.target,
      code: complaint.code ?? `HTTP ${reply.status}`,
      requestId: complaint.requestId,
    },
  );
}

/** Remedies by IAM's messages, because its codes are only the status; in the order of the search. */
const remediesByText: readonly (readonly [RegExp, string])[] = [
  [
    /\block|锁定/i,
    'IAM locks a user for 15 minutes after wrong passwords: wait that long, and correct userName and password in the secret before the next try.',
  ],
  [
    /\bACL\b|access control|\bIP\b|访问控制/i,
    'The account allows only certain IP addresses: add the public address of this machine to the access control of IAM (console: Security Settings, ACL).',
  ],
  [
    /\bMFA\b|verification code|login protection/i,
    'A user with login protection cannot get a token by password: use another user, or an access key ({"accessKeyId","secretAccessKey"} in the secret).',
  ],
  [
    /password.*(chang|expir|reset|modif|first)|(chang|expir|reset|modif)\w*.*password|修改密码|密码.*过期/i,
    'Log in to the console as that user, set a new password, and store it in the secret. An access key needs no password.',
  ],
  [
    /disabled|suspended|frozen|arrears|停用|冻结/i,
    'Enable the IAM user (console: IAM, Users), or pay what the account owes if it is suspended.',
  ],
  [
    /\bproject\b|项目/i,
    'Check targets[].projectId, and that the IAM user of the secret has access to that project in the region of source.iamEndpoint.',
  ],
];

function remedyFor(status: number, said: string): string {
  const [, byText] = remediesByText.find(([pattern]) => pattern.test(said)) ?? [];
  if (byText !== undefined) {
    return byText;
  }
  return status === 401
    ? 'Check domainName, userName and password in the secret. It must be an IAM user with programmatic access; a HUAWEI ID cannot get a token.'
    : 'Check that targets[].projectId and source.iamEndpoint are in the same region, and that the IAM user of the secret is enabled and has access to the project.';
}
