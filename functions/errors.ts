/**
 * The errors an operator meets, by what they do next.
 *
 * Every message says what happened, the value seen, what was expected; `remedy` says what to change. Errors are built
 * from named, safe fields only, never from a request, a secret or a config object.
 */
import { isoTime } from './clock.ts';
import type { Window } from './model.ts';

/** What the user does next: fix the config, the credentials, … */
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

/** Exit code of the CLI when an error of the kind ends a command outside of any target, and whether running again may cure it. */
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

/** What an error carries beside its message. */
export interface ErrorDetails {
  /** What to do next, a full sentence. */
  readonly remedy: string;
  /** The target's name. */
  readonly target?: string | undefined;
  readonly window?: Window | undefined;
  /** The other side's own code: `APIG.0308`, `DQC.1001`, `ENOSPC`, `PreconditionFailed`. */
  readonly code?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly cause?: unknown;
}

/** Base of every error dqsync throws on purpose. */
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

  /** Whether the same thing tried again later may succeed with nothing changed by hand. */
  get retryable(): boolean {
    return this.#retryable ?? errorKinds[this.kind].retryable;
  }
}

/** The config, the command line or the event is wrong. `code` is the key's path where there is one. */
export class ConfigError extends DqsyncError {
  readonly kind = 'config';
}

/** The secret cannot be read or has the wrong shape, or the source refuses what is in it. */
export class CredentialsError extends DqsyncError {
  readonly kind = 'credentials';
}

/** The source answered with an error, or not at all, and retrying did not help. */
export class SourceError extends DqsyncError {
  readonly kind = 'source';
  /** Status of the last reply; undefined where none came. */
  readonly httpStatus: number | undefined;

  constructor(message: string, details: ErrorDetails & { readonly httpStatus?: number | undefined }) {
    super(message, details);
    this.httpStatus = details.httpStatus;
  }
}

/** A window could not be proven complete, so coverage does not grow over it. No cause: nothing failed, the source moved. */
export class IncompleteReadError extends DqsyncError {
  readonly kind = 'incomplete';
  override readonly window: Window;
  /** What the source reported last; null where it reported no count. */
  readonly expectedRows: number | null;
  readonly distinctRows: number;

  constructor(window: Window, expectedRows: number | null, distinctRows: number) {
    const reported = expectedRows === null ? 'no count' : `${expectedRows} rows`;
    super(
      `${isoTime(window.fromMs)} to ${isoTime(window.toMs)} cannot be proven complete: the source reports ${reported} and showed ${distinctRows} distinct rows`,
      {
        remedy:
          'The window does not count as covered, and the next run reads it again. If this persists, run "dqsync list" over the window and compare count with rows.',
        window,
      },
    );
    this.window = window;
    this.expectedRows = expectedRows;
    this.distinctRows = distinctRows;
  }
}

/** Another run kept winning the checkpoint's compare-and-swap. */
export class ConflictError extends DqsyncError {
  readonly kind = 'conflict';
}

/** The warehouse cannot be read or written. */
export class StorageError extends DqsyncError {
  readonly kind = 'storage';
}

/** The checkpoint is damaged, of a newer version, or was made for another filter or time zone. Nothing was overwritten. */
export class StateError extends DqsyncError {
  readonly kind = 'state';
}

/** The run was told to stop: its time is spent, or the user pressed Ctrl-C. Never an outcome of a target by itself. */
export class StoppedError extends DqsyncError {
  readonly kind = 'stopped';
}

/** A defect of dqsync. */
export class InternalError extends DqsyncError {
  readonly kind = 'internal';
}

/** Turns anything thrown into a `DqsyncError`: one of ours as it is, anything else an `InternalError` around it. */
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

/** One paragraph for a person: what happened, codes, remedy. Never a stack trace. */
export function describeError(error: DqsyncError): string {
  const target = error.target === undefined ? '' : `target ${error.target}: `;
  const codes = [
    error.code === undefined || error.message.includes(error.code) ? '' : `code ${error.code}`,
    error.requestId === undefined ? '' : `request id ${error.requestId}`,
  ].filter((part) => part !== '');
  const suffix = codes.length === 0 ? '' : ` (${codes.join(', ')})`;
  return `${target}${error.message}${suffix}. ${error.remedy}`;
}
