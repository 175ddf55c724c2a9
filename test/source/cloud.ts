/** IAM and the source in one loopback server, for tests of authorization. */
import { type Answer, aPage, type Loopback, startLoopback } from './loopback.ts';

/** The gateway's reply to a refused token or signature. */
export const unauthorized: Answer = {
  status: 401,
  headers: { date: 'Fri, 02 Jan 2026 00:00:01 GMT' },
  body: '{"error_code":"APIG.0301","error_msg":"Incorrect IAM authentication information: decrypt token fail","request_id":"r-401"}',
};
/** A secret with a password. */
export const user = { domainName: 'acme', userName: 'dq-reader', password: 'planted-password' };

/**
 * Starts a server that is source and IAM. It issues tokens `t1`, `t2`, … for the password; `accepts` decides on each
 * request.
 */
export async function startCloud(options: {
  accepts: (token: string) => boolean;
  password?: () => string;
  issue?: (number: number) => Answer | Promise<Answer>;
}): Promise<Loopback & { issued: () => number; tokensSeen: () => (string | undefined)[] }> {
  let issued = 0;
  const server = await startLoopback((request) => {
    if (request.url.pathname === '/v3/auth/tokens') {
      const { password } = JSON.parse(request.body).auth.identity.password.user;
      if (password !== (options.password?.() ?? user.password)) {
        return {
          status: 401,
          body: '{"error":{"code":401,"message":"The username or password is wrong.","title":"Unauthorized"}}',
        };
      }
      issued += 1;
      return options.issue?.(issued) ?? tokenReply(`t${issued}`);
    }
    return options.accepts(String(request.headers['x-auth-token'])) ? aPage : unauthorized;
  });
  const lists = () => server.received.filter(({ method }) => method === 'GET');
  return {
    ...server,
    issued: () => issued,
    tokensSeen: () => lists().map(({ headers }) => headers['x-auth-token'] as string | undefined),
  };
}

/** IAM's reply with a token. */
export function tokenReply(token: string): Answer {
  const times = { issued_at: '2026-01-02T00:00:00.000000Z', expires_at: '2026-01-03T00:00:00.000000Z' };
  return { status: 201, headers: { 'x-subject-token': token }, body: JSON.stringify({ token: times }) };
}
