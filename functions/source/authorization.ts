/**
 * Authorization of one target's requests: who may go now, with which headers, and what happens on a 401.
 *
 * The ladder: a 401 gets a new token once; a further one reads the secret again once; a further one is a
 * `CredentialsError`, at once and for all that follow. An access key or a foreign token has no first rung, and is tried
 * again only if the secret has changed. A success takes the ladder back to its foot.
 *
 * Five failed signatures in a row lock an access key for five minutes. So credentials that have not been proven yet are
 * tried by one request, while the others wait for its outcome; and while they are being renewed, all wait.
 */

import { CredentialsError, SourceError } from '../errors.ts';
import type { EpochMs, Log } from '../model.ts';
import {
  type Credentials,
  type PasswordCredentials,
  readCredentials,
  sameCredentials,
  secretsOf,
} from './credentials.ts';
import type { Endpoint, HttpReply } from './http.ts';
import type { RetryContext } from './retrying.ts';
import { type SignableRequest, signRequest } from './signature.ts';
import { refusedCredentials } from './source-errors.ts';
import { requestToken, type Token } from './token.ts';

/** The right of one request to go. To be released at the end, whatever happened. */
export interface Permit {
  /** False when the credentials were renewed, or found bad, since: ask for another. */
  isCurrent(): boolean;
  /** The headers that authenticate the request now. */
  headers(request: SignableRequest): Record<string, string>;
  /** The source let the request in. */
  accepted(): void;
  /**
   * The source answered 401. Resolves when it is worth trying again, with what to throw where it has been tried too often
   * (a request may be refused while others are let in); throws CredentialsError or SourceError when it is not.
   */
  refused(reply: HttpReply): Promise<CredentialsError>;
  release(): void;
}

/** What authorization needs to know and use. */
export interface AuthorizationOptions {
  readonly target: string;
  readonly projectId: string;
  /** As in `targets[].credentials`. */
  readonly secretRef: string;
  /** Where tokens are asked for; called only for a secret with a password. Throws ConfigError where there is none. */
  readonly iam: () => Endpoint;
  readonly userAgent: string;
  readonly redact: (text: string) => string;
  readonly retry: RetryContext;
  readonly log: Log;
}

interface Session {
  readonly credentials: Credentials;
  /** Only for credentials with a password. */
  readonly token: Token | undefined;
  /** Whether the source has let in a request with it. */
  proven: boolean;
}

/** How far up the ladder: nothing tried, a new token tried, the secret read again. */
type Rung = 'foot' | 'newToken' | 'secretReread';

/** After IAM could not be asked for a renewal while the old token was still good. */
const renewalPauseMs = 300_000;

export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #secrets: Set<string>;
  #session: Session | undefined;
  #renewing: Promise<void> | undefined;
  #probe: PromiseWithResolvers<void> | undefined;
  #rung: Rung = 'foot';
  #bad: CredentialsError | undefined;
  #noRenewalBeforeMs: EpochMs = 0;

  /** @param secrets filled with every secret text that becomes known, for redaction */
  constructor(options: AuthorizationOptions, secrets: Set<string>) {
    this.#options = options;
    this.#secrets = secrets;
  }

  /**
   * Waits until a request may go.
   *
   * @throws CredentialsError, the same one for ever once the credentials were found bad; SourceError where IAM cannot be
   * asked; `signal.reason` when aborted
   */
  async permit(): Promise<Permit> {
    for (;;) {
      this.#options.retry.signal?.throwIfAborted();
      if (this.#bad !== undefined) {
        throw this.#bad;
      }
      const session = this.#session;
      if (this.#renewing !== undefined) {
        await this.#renewing;
      } else if (session === undefined) {
        await this.#renewOnce(async () => this.#start(await this.#readSecret()));
      } else if (this.#isDue(session)) {
        await this.#renewOnce(() => this.#renewBeforeExpiry(session));
      } else if (session.proven) {
        return this.#permitFor(session, undefined);
      } else if (this.#probe === undefined) {
        this.#probe = Promise.withResolvers();
        return this.#permitFor(session, this.#probe);
      } else {
        await this.#probe.promise;
      }
    }
  }

  #permitFor(session: Session, probe: PromiseWithResolvers<void> | undefined): Permit {
    const isCurrent = () => this.#session === session && this.#renewing === undefined && this.#bad === undefined;
    return {
      isCurrent,
      headers: (request) => this.#headers(session, request),
      accepted: () => {
        session.proven = true;
        if (this.#session === session) {
          this.#rung = 'foot';
        }
      },
      refused: async (reply) => {
        // If not, it was sent with what is being replaced, or has been: the next permit is for the new one.
        if (isCurrent()) {
          await this.#renewOnce(() => this.#climb(session, reply));
        }
        return this.#refusal(session, reply);
      },
      release: () => {
        if (probe !== undefined && this.#probe === probe) {
          this.#probe = undefined;
        }
        probe?.resolve();
      },
    };
  }

  #headers(session: Session, request: SignableRequest): Record<string, string> {
    const { credentials, token } = session;
    if (credentials.form === 'accessKey') {
      const own = { 'X-Project-Id': this.#options.projectId };
      const now = this.#options.retry.clock.now();
      return { ...own, ...signRequest({ ...request, headers: { ...request.headers, ...own } }, credentials, now) };
    }
    return { 'X-Auth-Token': credentials.form === 'token' ? credentials.token : (token?.text ?? '') };
  }

  #isDue({ token }: Session): boolean {
    const now = this.#options.retry.clock.now();
    return token !== undefined && now >= token.renewAtMs && now >= this.#noRenewalBeforeMs;
  }

  /** One renewal at a time; all who wait share its outcome. */
  #renewOnce(renew: () => Promise<void>): Promise<void> {
    const renewal = renew()
      .catch((error: unknown) => {
        if (error instanceof CredentialsError && !error.retryable) {
          this.#bad = error;
        }
        throw error;
      })
      .finally(() => {
        this.#renewing = undefined;
      });
    this.#renewing = renewal;
    return renewal;
  }

  async #climb(session: Session, reply: HttpReply): Promise<void> {
    const { target, secretRef, log } = this.#options;
    if (this.#rung === 'foot' && session.credentials.form === 'password') {
      log('info', 'the source refused the token: asking IAM for a new one', { target, secret: secretRef });
      await this.#start(session.credentials);
      // Not if the secret had to be read again on the way, which is the higher rung.
      this.#rung = this.#rung === 'foot' ? 'newToken' : this.#rung;
      return;
    }
    if (this.#rung !== 'secretReread' && (await this.#startIfChanged(session.credentials))) {
      return;
    }
    throw this.#refusal(session, reply);
  }

  /** Reads the secret again; if it has changed, starts with it. */
  async #startIfChanged(old: Credentials): Promise<boolean> {
    const { target, secretRef, log } = this.#options;
    const credentials = await this.#readSecret();
    this.#rung = 'secretReread';
    if (sameCredentials(old, credentials)) {
      return false;
    }
    log('info', 'the secret has changed: going on with the new one', { target, secret: secretRef });
    await this.#start(credentials);
    return true;
  }

  async #start(credentials: Credentials): Promise<void> {
    for (const secret of secretsOf(credentials)) {
      this.#secrets.add(secret);
    }
    let token: Token | undefined;
    if (credentials.form === 'password') {
      try {
        token = await this.#getToken(credentials);
      } catch (error) {
        // Mid-run, the password may have been rotated since the secret was read.
        const mayHaveChanged =
          error instanceof CredentialsError && this.#session !== undefined && this.#rung !== 'secretReread';
        if (mayHaveChanged && (await this.#startIfChanged(credentials))) {
          return;
        }
        throw error;
      }
    }
    this.#session = { credentials, token, proven: false };
    this.#probe?.resolve();
    this.#probe = undefined;
  }

  async #renewBeforeExpiry(session: Session): Promise<void> {
    const { target, retry, log } = this.#options;
    try {
      await this.#start(session.credentials);
    } catch (error) {
      const now = retry.clock.now();
      if (!(error instanceof SourceError) || now >= (session.token?.expiresAtMs ?? 0)) {
        throw error;
      }
      this.#noRenewalBeforeMs = now + renewalPauseMs;
      log('warn', 'IAM gave no new token; going on with the old one', { target, reason: error.message });
    }
  }

  async #getToken(credentials: PasswordCredentials): Promise<Token> {
    const { iam, projectId, retry, secretRef, target, redact, userAgent } = this.#options;
    const doing = { target, redact };
    const token = await requestToken({ credentials, secretRef, projectId, iam: iam(), doing, userAgent, retry });
    this.#secrets.add(token.text);
    return token;
  }

  async #readSecret(): Promise<Credentials> {
    const { secretRef, target, retry } = this.#options;
    return await readCredentials(secretRef, { target, signal: retry.signal });
  }

  #refusal(session: Session, reply: HttpReply): CredentialsError {
    const { target, redact, secretRef, retry } = this.#options;
    return refusedCredentials(reply, {
      target,
      redact,
      secretRef,
      form: session.credentials.form,
      nowMs: retry.clock.now(),
    });
  }
}
