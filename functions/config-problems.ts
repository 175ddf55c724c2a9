/**
 * Describes the problems of a configuration: each key once, with what is allowed there and what was probably meant.
 * Pure.
 */
import * as z from 'zod';
import { nearest } from './nearest.ts';

/** Returns the line of a key in the text that it was read from; null if it is not known. */
export type LineOf = (path: readonly PropertyKey[]) => number | null;

/** Returns one problem for each wrong key, in the order of the document. */
export function describeProblems(schema: z.ZodType, value: unknown, lineOf: LineOf): string[] {
  const issues = schema.safeParse(value, { error: describeValue }).error?.issues ?? [];
  const typos = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => typoOf(schema, issue.path, key)) : [],
  );
  const meant = new Set(typos.map(({ path, near }) => (near === null ? null : JSON.stringify([...path, near]))));
  const wrong = new Map<string, Place>();
  for (const issue of issues.filter(({ code }) => code !== 'unrecognized_keys')) {
    const key = JSON.stringify(issue.path);
    // A key that is missing because it is misspelled is one problem, and so is a value that breaks two rules.
    if (!meant.has(key) && !wrong.has(key)) {
      wrong.set(key, {
        path: issue.path,
        text: `${nameOf(issue.path)}${isMissing(issue) ? '' : ':'} ${issue.message}`,
      });
    }
  }
  const unknown = typos.map(({ path, key, near }): Place => {
    const hint = near === null ? '' : ` (did you mean ${JSON.stringify(near)}?)`;
    return { path: [...path, key], text: `unknown key ${nameOf([...path, key])}${hint}` };
  });
  return [...unknown, ...wrong.values()].map(({ path, text }) => {
    const line = lineOf(path);
    return line === null ? text : `line ${line}: ${text}`;
  });
}

interface Place {
  readonly path: readonly PropertyKey[];
  readonly text: string;
}

function isMissing({ message }: z.core.$ZodIssue): boolean {
  return message.startsWith('is missing');
}

interface Typo {
  readonly path: readonly PropertyKey[];
  readonly key: string;
  readonly near: string | null;
}

function typoOf(schema: z.ZodType, path: readonly PropertyKey[], key: string): Typo {
  return { path, key, near: nearest(key, keysAt(schema, path)) };
}

function nameOf(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? 'the document' : `"${text.replace(/^\./, '')}"`;
}

/** Returns the keys that the schema allows in the object at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  for (const part of path) {
    at = typeof part === 'number' ? memberOf(at, 'items') : memberOf(memberOf(at, 'properties'), String(part));
  }
  return Object.keys(memberOf(at, 'properties') ?? {});
}

function memberOf(value: unknown, name: string): object | null {
  const member: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : null;
  return typeof member === 'object' ? member : null;
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** Describes the allowed values of a key whose schema has no text for it. */
function describeValue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing; it must be ${kinds[issue.expected] ?? issue.expected}`
        : `must be ${kinds[issue.expected] ?? issue.expected}, not ${kindOf(issue.input)}`;
    case 'too_small':
      return limitText(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return limitText(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'invalid_value':
      return issue.input === undefined
        ? `is missing; it must be one of ${listOf(issue.values)}`
        : `must be one of ${listOf(issue.values)}${hintFor(issue.input, issue.values)}`;
    default:
      return undefined;
  }
}

function limitText(origin: string, relation: string, limit: number | bigint): string {
  switch (origin) {
    case 'array':
      return `must have ${relation} ${limit} ${Number(limit) === 1 ? 'entry' : 'entries'}`;
    case 'string':
      return `must have ${relation} ${limit} ${Number(limit) === 1 ? 'character' : 'characters'}`;
    default:
      return `must be ${relation} ${limit}`;
  }
}

function listOf(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}

function hintFor(input: unknown, values: readonly unknown[]): string {
  const near =
    typeof input === 'string'
      ? nearest(
          input,
          values.filter((value) => typeof value === 'string'),
        )
      : null;
  return near === null ? '' : ` (did you mean ${JSON.stringify(near)}?)`;
}

function kindOf(input: unknown): string {
  if (input === null) {
    return 'null';
  }
  return Array.isArray(input) ? 'a list' : (kinds[typeof input] ?? typeof input);
}
