/**
 * All errors that an operator meets, classified by the reaction they call for.
 *
 * A message says what happened, which value was seen and what was expected; `remedy` says what to do. Errors are built
 * from named, safe fields, never from a request, a secret or a config object.
 */
import { isoTime } from './clock.ts';
import type { Window } from './model.ts';

/** The kind of an error, by what has to be fixed. */
export type ErrorKind =
  | 'config'
  | 'credentials'
  | 'source'
  | 'incomplete'
  | 'conflict'
  | 'storage'
  | 'state'
  | 'stopped'
  | 'internal';

/**
 * For each kind: the exit code if such an error ends a command outside of any target, and whether running again may
 * help.
 */
export const errorKinds: Readonly<Record<ErrorKind, { readonly exitCode: 1 | 2; readonly retryable: boolean }>> = {
  config: { exitCode: 2, retryable: false },
  credentials: { exitCode: 1, retryable: false },
  source: { exitCode: 1, retryable: true },
  incomplete: { exitCode: 1, retryable: true },
  conflict: { exitCode: 1, retryable: true },
  storage: { exitCode: 1, retryable: true },
  state: { exitCode: 1, retryable: false },
  stopped: { exitCode: 1, retryable: true },
  internal: { exitCode: 1, retryable: false },
};

/** The fields of an error besides its message. */
export interface ErrorDetails {
  /** What to do next, as full sentences. */
  readonly remedy: string;
  /** The target's name. */
  readonly target?: string | undefined;
  readonly window?: Window | undefined;
  /** The code of the service or the system that failed: `APIG.0308`, `DQC.1001`, `ENOSPC`, `PreconditionFailed`. */
  readonly code?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly cause?: unknown;
}

/** Base class of every error that dqsync throws on purpose. */
export abstract class DqsyncError extends Error {
  abstract readonly kind: ErrorKind;
  readonly remedy: string;
  readonly target: string | undefined;
  readonly window: Window | undefined;
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly #retryable: boolean | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.remedy = details.remedy;
    this.target = details.target;
    this.window = details.window;
    this.code = details.code;
    this.requestId = details.requestId;
    this.#retryable = details.retryable;
  }

  /** Whether running the same again may succeed without manual changes. */
  get retryable(): boolean {
    return this.#retryable ?? errorKinds[this.kind].retryable;
  }
}

/** The config, the command line or the event is wrong. `code` is the path of the key, if there is one. */
export class ConfigError extends DqsyncError {
  readonly kind = 'config';
}

/** The secret cannot be read, has the wrong shape, or is refused by the source. */
export class CredentialsError extends DqsyncError {
  readonly kind = 'credentials';
}

/** The source returned an error or no reply, and retries did not help. */
export class SourceError extends DqsyncError {
  readonly kind = 'source';
  /** Status of the last reply; undefined without a reply. */
  readonly httpStatus: number | undefined;
  /**
   * Whether the cause may be what was requested, such as a row that the source cannot read, rather than the source, the
   * network or the credentials.
   */
  readonly mayBeOfRequest: boolean;

  constructor(
    message: string,
    details: ErrorDetails & { readonly httpStatus?: number | undefined; readonly mayBeOfRequest?: boolean },
  ) {
    super(message, details);
    this.httpStatus = details.httpStatus;
    this.mayBeOfRequest = details.mayBeOfRequest ?? false;
  }
}

/** A window could not be proven complete, so coverage does not grow over it. `cause` is the source's error if a request failed. */
export class IncompleteReadError extends DqsyncError {
  readonly kind = 'incomplete';
  override readonly window: Window;
  /** The last count that the source reported; null if it reported none. */
  readonly expectedRows: number | null;
  readonly distinctRows: number;

  /** @param reason default: the numbers of this run. An error means that the source does not deliver the window. */
  constructor(window: Window, expectedRows: number | null, distinctRows: number, reason?: string | SourceError) {
    const reported = expectedRows === null ? 'no count' : `${expectedRows} rows`;
    const numbers = `the source reports ${reported} and showed ${distinctRows} distinct rows`;
    const [from, to] = [isoTime(window.fromMs), isoTime(window.toMs)];
    const cause = reason instanceof SourceError ? reason : undefined;
    const compare = `If this persists, compare the rows that the source lists with its count: dqsync list --from ${from} --to ${to}`;
    super(`${from} to ${to} cannot be proven complete: ${cause?.message ?? reason ?? numbers}`, {
      remedy: `Some of its executions may be missing from the table until a later run reads all of them. ${cause?.remedy ?? compare}`,
      window,
      code: cause?.code,
      requestId: cause?.requestId,
      cause,
    });
    this.window = window;
    this.expectedRows = expectedRows;
    this.distinctRows = distinctRows;
  }
}

/** Other runs won the checkpoint's compare-and-swap every time. */
export class ConflictError extends DqsyncError {
  readonly kind = 'conflict';
}

/** The warehouse cannot be read or written. */
export class StorageError extends DqsyncError {
  readonly kind = 'storage';
}

/** The checkpoint is damaged, of another version or made for another configuration. Nothing was overwritten. */
export class StateError extends DqsyncError {
  readonly kind = 'state';
}

/** The run was stopped: its time is over or the user pressed Ctrl-C. Never the result of a target by itself. */
export class StoppedError extends DqsyncError {
  readonly kind = 'stopped';
}

/** A defect of dqsync. */
export class InternalError extends DqsyncError {
  readonly kind = 'internal';

  constructor(message: string, details: Partial<ErrorDetails> = {}) {
    super(message, { remedy: 'This is a defect of dqsync; please report it with this message.', ...details });
  }
}

/** Returns a `DqsyncError` unchanged, and wraps anything else in an `InternalError`. */
export function toDqsyncError(thrown: unknown, target?: string): DqsyncError {
  if (thrown instanceof DqsyncError) {
    return thrown;
  }
  const what = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new InternalError(`unexpected ${what}`, {
    remedy: 'This is a defect of dqsync; please report it with the command and this message.',
    target,
    cause: thrown,
  });
}

/** The parts of an error that are shown, also of one that was recorded in a summary. */
type DescribedError = Pick<DqsyncError, 'message' | 'remedy'> &
  Partial<Pick<DqsyncError, 'target' | 'code' | 'requestId'>>;

/** Formats an error as one paragraph: what happened, codes, remedy. Never a stack trace. */
export function describeError(error: DescribedError): string {
  const target = error.target === undefined ? '' : `target ${error.target}: `;
  return `${target}${withCodes(error)}. ${error.remedy}`;
}

/** Returns the message of an error with its codes, unless the message contains them. Has no period at its end. */
export function withCodes({ message, code, requestId }: Omit<DescribedError, 'remedy'>): string {
  const codes = [
    code === undefined || message.includes(code) ? '' : `code ${code}`,
    requestId === undefined ? '' : `request id ${requestId}`,
  ].filter((part) => part !== '');
  // Another program's text at the end of a message may be a sentence.
  return `${message.replace(/[.!]$/, '')}${codes.length === 0 ? '' : ` (${codes.join(', ')})`}`;
}
