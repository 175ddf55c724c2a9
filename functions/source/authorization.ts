/**
 * Authorization of one target's requests: when a request may be sent, with which headers, and what follows a 401.
 *
 * The first 401 gets a new token, because the old one may have expired. The second one reads the secret again. The
 * third one is a `CredentialsError` for this and all later requests. With an access key or a token in the secret, the
 * first 401 already reads the secret again, and only a changed secret is tried. A success resets the count.
 *
 * Consecutive clients of one target share a login, so each of them first tries what the source accepted last.
 *
 * Five failed signatures in a row lock an access key for five minutes. Therefore one request tries unproven credentials
 * while the others wait for its outcome, and all requests wait during a renewal.
 */

import { CredentialsError } from '../errors.ts';
import type { Log } from '../model.ts';
import type { ProxyEnvironment } from '../network/proxy.ts';
import { type Credentials, readCredentials, sameCredentials, secretsOf } from './credentials.ts';
import type { Endpoint, HttpReply } from './http.ts';
import type { RetryContext } from './retrying.ts';
import { type SignableRequest, signRequest } from './signature.ts';
import { refusedCredentials } from './source-errors.ts';
import { requestToken } from './token.ts';

/** Permission to send one request. Must be released after every outcome. */
export interface Permit {
  /** False if the credentials were renewed or refused since; then ask for a new permit. */
  isCurrent(): boolean;
  /** Returns the headers that authenticate the request now. */
  headers(request: SignableRequest): Record<string, string>;
  /** Reports that the source accepted the credentials. */
  accepted(): void;
  /**
   * Reports a 401. Resolves if a retry may help, with the error to throw when the retry budget is spent.
   *
   * @throws CredentialsError or SourceError if a retry cannot help
   */
  refused(reply: HttpReply): Promise<CredentialsError>;
  release(): void;
}

interface AuthorizationOptions {
  readonly target: string;
  readonly projectId: string;
  /** As in `targets[].credentials`. */
  readonly secretRef: string;
  /** Names the proxies on the way to Secrets Manager. */
  readonly environment: ProxyEnvironment | undefined;
  /** Returns where to request tokens. Called only for a secret with a password; throws ConfigError if it is unknown. */
  readonly iam: () => Endpoint;
  /** Receives every secret text that becomes known, for redaction. */
  readonly secrets: Set<string>;
  readonly redact: (text: string) => string;
  readonly retry: RetryContext;
  readonly log: Log;
  readonly login: SharedLogin;
}

/** Credentials in use. */
interface Session {
  readonly credentials: Credentials;
  /** Only for credentials with a password. */
  readonly token: string | undefined;
}

/** What the clients of one target share, so that a run reads its secret and gets a token once. */
export interface SharedLogin {
  /** What the source accepted last; null before that. */
  session: Session | null;
}

/**
 * - `fresh`: nothing is known yet
 * - `probing`: at most one request tries the session; `probe` resolves when it is over
 * - `proven`: the source has accepted a request of the session
 * - `refused`: no request is sent any more
 */
type State =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'probing'; readonly session: Session; probe: PromiseWithResolvers<void> | null }
  | { readonly kind: 'proven'; readonly session: Session }
  | { readonly kind: 'refused'; readonly error: CredentialsError };

export class Authorization {
  readonly #options: AuthorizationOptions;
  #state: State = { kind: 'fresh' };
  #renewing: Promise<void> | undefined;
  /** The reaction to the 401s since the last success. */
  #tried: 'nothing' | 'newToken' | 'secretReread' = 'nothing';

  constructor(options: AuthorizationOptions) {
    this.#options = options;
  }

  /**
   * Waits until a request may be sent.
   *
   * @throws CredentialsError, always the same one once the credentials were refused; SourceError if IAM cannot be
   * reached; `signal.reason` when aborted
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
        const { session } = this.#options.login;
        await this.#renewOnce(async () =>
          session === null ? await this.#start(await this.#readSecret()) : this.#use(session),
        );
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
          this.#options.login.session = session;
        }
      },
      refused: async (reply) => {
        // Otherwise the request used credentials that are replaced already. The next permit is for the new ones.
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

  /** Renews once at a time. All callers share the outcome. */
  #renewOnce(renew: () => Promise<void>): Promise<void> {
    const renewal = renew()
      .catch((error: unknown) => {
        // After a failure of IAM or of the secret's place, the next request renews again instead of repeating what was
        // refused.
        const isFinal = error instanceof CredentialsError && !error.retryable;
        this.#state = isFinal ? { kind: 'refused', error } : { kind: 'fresh' };
        this.#options.login.session = null;
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
      log('info', 'the source refused the token: requesting a new one from IAM', { target, secret: secretRef });
      await this.#start(session.credentials);
      return;
    }
    if (this.#tried === 'secretReread' || !(await this.#startIfChanged(session.credentials))) {
      throw this.#refusal(session, reply);
    }
  }

  /** Reads the secret again, and uses it if it has changed. */
  async #startIfChanged(old: Credentials): Promise<boolean> {
    const { target, secretRef, log } = this.#options;
    const credentials = await this.#readSecret();
    this.#tried = 'secretReread';
    if (sameCredentials(old, credentials)) {
      return false;
    }
    log('info', 'the secret has changed: continuing with the new one', { target, secret: secretRef });
    await this.#start(credentials);
    return true;
  }

  #use(session: Session): void {
    const { credentials, token } = session;
    for (const secret of [...secretsOf(credentials), ...(token === undefined ? [] : [token])]) {
      this.#options.secrets.add(secret);
    }
    this.#state = { kind: 'probing', session, probe: null };
  }

  async #start(credentials: Credentials): Promise<void> {
    // Before a token is requested, because a refusal may repeat them.
    for (const secret of secretsOf(credentials)) {
      this.#options.secrets.add(secret);
    }
    let token: string | undefined;
    if (credentials.form === 'password') {
      try {
        token = await requestToken({ ...this.#options, iam: this.#options.iam(), credentials });
      } catch (error) {
        // The password may have been rotated since the secret was read.
        const mayHaveChanged = error instanceof CredentialsError && this.#tried === 'newToken';
        if (mayHaveChanged && (await this.#startIfChanged(credentials))) {
          return;
        }
        throw error;
      }
    }
    this.#use({ credentials, token });
  }

  async #readSecret(): Promise<Credentials> {
    const { secretRef, target, retry, environment } = this.#options;
    return await readCredentials(secretRef, { target, signal: retry.signal, environment });
  }

  #refusal(session: Session, reply: HttpReply): CredentialsError {
    return refusedCredentials(reply, session.credentials, this.#options, this.#options.retry.clock.now());
  }
}
