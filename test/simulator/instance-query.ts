/** Parses and checks the query of `GET /v2/{project_id}/quality/instances`. Unknown parameters are ignored. */
import type { EpochMs } from '../../functions/model.ts';
import type { InstanceQuery } from './traps.ts';

/** The query, or the reason why it is refused. */
export type QueryReading = { readonly query: InstanceQuery } | { readonly refusal: string };

const taskTypes = ['QUALITY_TASK', 'CONSISTENCY_TASK'];
const runStatuses = ['RUNNING', 'FAILED', 'ALARMING', 'SUCCESS', 'SUSPENDING', 'UNKNOWN'];
const notifyStatuses = ['NOT_TRIGGERED', 'SUCCESS', 'FAILED'];

/** Rows in a reply to a request without a limit. */
const defaultLimit = 10;
const maxLimit = 100;

class Refusal extends Error {}

/** Parses the query. */
export function readInstanceQuery(params: URLSearchParams): QueryReading {
  try {
    return {
      query: {
        name: params.get('name'),
        taskType: oneOf(params, 'task_type', taskTypes),
        runStatus: oneOf(params, 'run_status', runStatuses),
        notifyStatus: oneOf(params, 'notify_status', notifyStatuses),
        startTimeMs: epochMs(params, 'start_time'),
        endTimeMs: epochMs(params, 'end_time'),
        limit: required(wholeNumber(params, 'limit', 1, maxLimit)) ?? defaultLimit,
        offset: required(wholeNumber(params, 'offset', 0, Number.MAX_SAFE_INTEGER)) ?? 0,
      },
    };
  } catch (thrown) {
    if (thrown instanceof Refusal) {
      return { refusal: thrown.message };
    }
    throw thrown;
  }
}

function oneOf(params: URLSearchParams, name: string, allowed: readonly string[]): string | null {
  const value = params.get(name);
  if (value !== null && !allowed.includes(value)) {
    throw new Refusal(`parameter ${name} is invalid: ${value}`);
  }
  return value;
}

function epochMs(params: URLSearchParams, name: string): EpochMs | null {
  const value = params.get(name);
  if (value !== null && !/^\d{13}$/.test(value)) {
    throw new Refusal(`parameter ${name} is invalid: must be a 13-digit timestamp`);
  }
  return value === null ? null : Number(value);
}

function required(number: ReturnType<typeof wholeNumber>): number | null {
  if ('refusal' in number) {
    throw new Refusal(number.refusal);
  }
  return number.value;
}

/** Parses a whole number. Returns null if it is missing, or the reason why it is refused. */
export function wholeNumber(
  params: URLSearchParams,
  name: string,
  min: number,
  max: number,
): { readonly value: number | null } | { readonly refusal: string } {
  const text = params.get(name);
  if (text === null) {
    return { value: null };
  }
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max
    ? { value }
    : { refusal: `parameter ${name} is invalid: must be an integer from ${min} to ${max}` };
}
