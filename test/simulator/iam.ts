/** IAM's `POST /v3/auth/tokens`, which issues a token, scoped to one project, for a password. */
import type { EpochMs } from '../../functions/model.ts';
import type { Auth } from './auth.ts';
import { jsonReply, type Reply } from './reply.ts';

interface PasswordRequest {
  readonly domainName: string;
  readonly userName: string;
  readonly password: string;
  readonly projectId: string;
}

/** Answers a request for a token. The scope must name one of `projects` by its id. */
export function answerTokenRequest(body: string, auth: Auth, projects: ReadonlySet<string>, nowMs: EpochMs): Reply {
  const asked = readPasswordRequest(body);
  if (asked === null) {
    return iamError(
      400,
      'Bad Request',
      'Expecting to find a password identity and a project scope in the request body.',
    );
  }
  const issued = auth.issueToken(asked, asked.projectId, nowMs);
  if (issued === null) {
    return iamError(401, 'Unauthorized', 'The username or password is wrong.');
  }
  if (!projects.has(asked.projectId)) {
    return iamError(
      401,
      'Unauthorized',
      `The project ${asked.projectId} is not found or the user has no access to it.`,
    );
  }
  const token = {
    expires_at: iamTime(issued.expiresAtMs),
    issued_at: iamTime(issued.issuedAtMs),
    methods: ['password'],
    project: { id: asked.projectId, name: 'simulated', domain: { id: 'simulated', name: asked.domainName } },
    user: { id: 'simulated', name: asked.userName, domain: { id: 'simulated', name: asked.domainName } },
    roles: [],
    catalog: [],
  };
  return jsonReply(201, { token }, { 'x-subject-token': issued.token });
}

/** Formats a time as IAM does, with microseconds. */
function iamTime(ms: EpochMs): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function iamError(code: number, title: string, message: string): Reply {
  return jsonReply(code, { error: { code, message, title } });
}

function readPasswordRequest(body: string): PasswordRequest | null {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return null;
  }
  const methods = at(document, 'auth', 'identity', 'methods');
  const user = at(document, 'auth', 'identity', 'password', 'user');
  const domainName = at(user, 'domain', 'name');
  const userName = at(user, 'name');
  const password = at(user, 'password');
  const projectId = at(document, 'auth', 'scope', 'project', 'id');
  const complete =
    Array.isArray(methods) &&
    methods.includes('password') &&
    typeof domainName === 'string' &&
    typeof userName === 'string' &&
    typeof password === 'string' &&
    typeof projectId === 'string';
  return complete ? { domainName, userName, password, projectId } : null;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    current = typeof current === 'object' && current !== null ? (current as Record<string, unknown>)[key] : undefined;
  }
  return current;
}
