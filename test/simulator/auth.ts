/**
 * Checks the credentials of requests, and issues IAM's tokens.
 *
 * Five wrong signatures in a row lock an access key for five minutes. Tokens expire and can be revoked at any time.
 */
import { randomBytes } from 'node:crypto';
import type { EpochMs } from '../../functions/model.ts';
import { type AccessKeyCredential, type Account, refuse, type Verdict } from './accounts.ts';
import { expectedSignature, headerText, parseAuthorization, parseSdkDate, type SignedRequest } from './signature.ts';

/** The life of an issued token. */
const tokenLifeMs = 86_400_000;
const maxSkewMs = 15 * 60_000;
const lockMs = 5 * 60_000;
const failuresToLock = 5;

interface KeyState {
  readonly user: string;
  readonly credential: AccessKeyCredential;
  failuresInARow: number;
  lockedUntilMs: EpochMs;
}

interface TokenState {
  readonly user: string;
  /** The only project it is valid for; null if it is valid for every project. */
  readonly projectId: string | null;
  readonly expiresAtMs: EpochMs;
}

/** A new token. */
export interface IssuedToken {
  readonly token: string;
  readonly issuedAtMs: EpochMs;
  readonly expiresAtMs: EpochMs;
}

/** All accounts, keys and tokens. Its methods can be called while the simulator runs. */
export class Auth {
  readonly #keys = new Map<string, KeyState>();
  readonly #tokens = new Map<string, TokenState>();
  readonly #passwords = new Map<string, { readonly account: Account; password: string }>();

  constructor(accounts: readonly Account[]) {
    for (const account of accounts) {
      for (const credential of account.accessKeys ?? []) {
        const state = { user: account.user, credential, failuresInARow: 0, lockedUntilMs: 0 };
        this.#keys.set(credential.accessKeyId, state);
      }
      for (const token of account.tokens ?? []) {
        this.#tokens.set(token, { user: account.user, projectId: null, expiresAtMs: Number.POSITIVE_INFINITY });
      }
      if (account.password !== undefined) {
        this.#passwords.set(passwordKey(account.password.domainName, account.password.userName), {
          account,
          password: account.password.password,
        });
      }
    }
  }

  /** Revokes all tokens issued so far. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  /** Changes the user's password, and revokes its tokens. */
  rotatePassword(userName: string, password: string): void {
    const entry = [...this.#passwords.values()].find(({ account }) => account.password?.userName === userName);
    if (entry === undefined) {
      throw new Error(`the simulator has no user ${userName}`);
    }
    entry.password = password;
    for (const [token, state] of this.#tokens) {
      if (state.user === entry.account.user) {
        this.#tokens.delete(token);
      }
    }
  }

  /** Issues a token for a password; null if domain, user or password are wrong. */
  issueToken(
    asked: { readonly domainName: string; readonly userName: string; readonly password: string },
    projectId: string,
    nowMs: EpochMs,
  ): IssuedToken | null {
    const entry = this.#passwords.get(passwordKey(asked.domainName, asked.userName));
    if (entry === undefined || entry.password !== asked.password) {
      return null;
    }
    const token = `MIIG${randomBytes(900).toString('base64url')}`;
    const expiresAtMs = nowMs + tokenLifeMs;
    this.#tokens.set(token, { user: entry.account.user, projectId, expiresAtMs });
    return { token, issuedAtMs: nowMs, expiresAtMs };
  }

  /** Returns the user who sent a request, or why it is refused. */
  check(request: SignedRequest, nowMs: EpochMs): Verdict {
    const token = headerText(request, 'x-auth-token');
    if (token !== '') {
      return this.#checkToken(token, nowMs);
    }
    const header = headerText(request, 'authorization');
    return header === '' ? refuse('x-auth-token not found') : this.#checkSignature(request, header, nowMs);
  }

  #checkToken(token: string, nowMs: EpochMs): Verdict {
    const state = this.#tokens.get(token);
    if (state === undefined || state.expiresAtMs <= nowMs) {
      return refuse('decrypt token fail');
    }
    return { ok: true, user: state.user, projectId: state.projectId };
  }

  #checkSignature(request: SignedRequest, header: string, nowMs: EpochMs): Verdict {
    const authorization = parseAuthorization(header);
    if (authorization === null) {
      return refuse('authorization header is malformed');
    }
    const key = this.#keys.get(authorization.accessKeyId);
    if (key === undefined) {
      return refuse('Get secretKey failed,ak is not exist');
    }
    if (key.lockedUntilMs > nowMs) {
      return refuse('ak is locked because of too many authentication failures');
    }
    const reason = findFlaw(request, authorization, key.credential, nowMs);
    if (reason === null) {
      key.failuresInARow = 0;
      return { ok: true, user: key.user, projectId: null };
    }
    key.failuresInARow += 1;
    if (key.failuresInARow >= failuresToLock) {
      key.lockedUntilMs = nowMs + lockMs;
      key.failuresInARow = 0;
    }
    return refuse(reason);
  }
}

function passwordKey(domainName: string, userName: string): string {
  return JSON.stringify([domainName, userName]);
}

function findFlaw(
  request: SignedRequest,
  authorization: { readonly signedHeaders: readonly string[]; readonly signature: string },
  credential: AccessKeyCredential,
  nowMs: EpochMs,
): string | null {
  const { signedHeaders, signature } = authorization;
  const sorted = signedHeaders.every((name, index) => index === 0 || (signedHeaders[index - 1] as string) < name);
  if (!sorted || !signedHeaders.includes('host') || !signedHeaders.includes('x-sdk-date')) {
    return 'host and x-sdk-date must be among the signed headers, in order';
  }
  const dateMs = parseSdkDate(headerText(request, 'x-sdk-date'));
  if (dateMs === null || Math.abs(dateMs - nowMs) > maxSkewMs) {
    return 'signature expired: x-sdk-date is more than 15 minutes off';
  }
  if (headerText(request, 'x-security-token') !== (credential.securityToken ?? '')) {
    return 'verify security token fail';
  }
  const expected = expectedSignature(request, signedHeaders, credential.secretAccessKey);
  return expected === signature ? null : 'verify aksk signature fail';
}
