/**
 * Authorization of one target's requests: who may go now, with which headers, and what happens on a 401.
 *
 * A 401 gets a new token once, also where the old one has just expired; a further one reads the secret again once; a further
 * one is a `CredentialsError`, at once and for all that follow. For an access key or a foreign token the secret is read again
 * at once, and only a changed one is tried. A success starts the count anew.
 *
 * Five failed signatures in a row lock an access key for five minutes. So credentials that have not been proven yet are
 * tried by one request, while the others wait for its outcome; and while they are being renewed, all wait.
 */

import { CredentialsError } from '../errors.ts';
import type { Log } from '../model.ts';
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
import { requestToken } from './token.ts';

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

/** Credentials in use. */
interface Session {
  readonly credentials: Credentials;
  /** Only for credentials with a password. */
  readonly token: string | undefined;
}

/**
 * - `fresh` nothing is known yet
 * - `probing` one request at most tries the session; `probe` ends when it is over
 * - `proven` the source has let in a request with it
 * - `refused` for good
 */
type State =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'probing'; readonly session: Session; probe: PromiseWithResolvers<void> | null }
  | { readonly kind: 'proven'; readonly session: Session }
  | { readonly kind: 'refused'; readonly error: CredentialsError };

export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #secrets: Set<string>;
  #state: State = { kind: 'fresh' };
  #renewing: Promise<void> | undefined;
  /** What was done about the 401s since the last success. */
  #tried: 'nothing' | 'newToken' | 'secretReread' = 'nothing';

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
      const state = this.#state;
      if (state.kind === 'refused') {
        throw state.error;
      }
      if (this.#renewing !== undefined) {
        await this.#renewing;
      } else if (state.kind === 'fresh') {
        await this.#renewOnce(async () => this.#start(await this.#readSecret()));
      } else if (state.kind === 'proven') {
        return this.#permitFor(state.session, () => undefined);
      } else if (state.probe === null) {
        const probe = Promise.withResolvers<void>();
        state.probe = probe;
        return this.#permitFor(state.session, () => {
          state.probe = null;
          probe.resolve();
        });
      } else {
        await state.probe.promise;
      }
    }
  }

  #permitFor(session: Session, release: () => void): Permit {
    const isCurrent = () => this.#session === session && this.#renewing === undefined;
    return {
      isCurrent,
      headers: (request) => this.#headers(session, request),
      accepted: () => {
        if (this.#session === session) {
          this.#state = { kind: 'proven', session };
          this.#tried = 'nothing';
        }
      },
      refused: async (reply) => {
        // If not, it was sent with what is being replaced, or has been: the next permit is for the new one.
        if (isCurrent()) {
          await this.#renewOnce(() => this.#replace(session, reply));
        }
        return this.#refusal(session, reply);
      },
      release,
    };
  }

  #headers(session: Session, request: SignableRequest): Record<string, string> {
    const { credentials, token } = session;
    if (credentials.form === 'accessKey') {
      const own = { 'X-Project-Id': this.#options.projectId };
      const now = this.#options.retry.clock.now();
      return { ...own, ...signRequest({ ...request, headers: { ...request.headers, ...own } }, credentials, now) };
    }
    return { 'X-Auth-Token': credentials.form === 'token' ? credentials.token : (token ?? '') };
  }

  get #session(): Session | undefined {
    return 'session' in this.#state ? this.#state.session : undefined;
  }

  /** One renewal at a time; all who wait share its outcome. */
  #renewOnce(renew: () => Promise<void>): Promise<void> {
    const renewal = renew()
      .catch((error: unknown) => {
        if (error instanceof CredentialsError && !error.retryable) {
          this.#state = { kind: 'refused', error };
        }
        throw error;
      })
      .finally(() => {
        this.#renewing = undefined;
      });
    this.#renewing = renewal;
    return renewal;
  }

  async #replace(session: Session, reply: HttpReply): Promise<void> {
    const { target, secretRef, log } = this.#options;
    if (this.#tried === 'nothing' && session.credentials.form === 'password') {
      this.#tried = 'newToken';
      log('info', 'the source refused the token: asking IAM for a new one', { target, secret: secretRef });
      await this.#start(session.credentials);
      return;
    }
    if (this.#tried === 'secretReread' || !(await this.#startIfChanged(session.credentials))) {
      throw this.#refusal(session, reply);
    }
  }

  /** Reads the secret again; if it has changed, starts with it. */
  async #startIfChanged(old: Credentials): Promise<boolean> {
    const { target, secretRef, log } = this.#options;
    const credentials = await this.#readSecret();
    this.#tried = 'secretReread';
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
    let token: string | undefined;
    if (credentials.form === 'password') {
      try {
        token = await this.#getToken(credentials);
      } catch (error) {
        // Mid-run, the password may have been rotated since the secret was read.
        const mayHaveChanged = error instanceof CredentialsError && this.#tried === 'newToken';
        if (mayHaveChanged && (await this.#startIfChanged(credentials))) {
          return;
        }
        throw error;
      }
    }
    this.#state = { kind: 'probing', session: { credentials, token }, probe: null };
  }

  async #getToken(credentials: PasswordCredentials): Promise<string> {
    const { iam, projectId, retry, secretRef, target, redact, userAgent } = this.#options;
    const doing = { target, redact };
    const token = await requestToken({ credentials, secretRef, projectId, iam: iam(), doing, userAgent, retry });
    this.#secrets.add(token);
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
