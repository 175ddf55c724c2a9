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
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ of: issue.path, key, near: nearest(key, keysAt(schema, issue.path)) }))
      : [],
  );
  const problems = new Map<string, Place>();
  for (const { of, key, near } of typos) {
    const path = [...of, key];
    problems.set(JSON.stringify(path), { path, text: `unknown key ${nameOf(path)}${didYouMean(near)}` });
  }
  const meant = new Set(typos.map(({ of, near }) => JSON.stringify([...of, near])));
  for (const { path, message } of issues.filter(({ code }) => code !== 'unrecognized_keys')) {
    const key = JSON.stringify(path);
    // A key that is missing because it is misspelled is one problem, and so is a value that breaks two rules.
    if (!meant.has(key) && !problems.has(key)) {
      problems.set(key, { path, text: `${nameOf(path)}${message.startsWith('is missing') ? '' : ':'} ${message}` });
    }
  }
  return [...problems.values()].map(({ path, text }) => {
    const line = lineOf(path);
    return line === null ? text : `line ${line}: ${text}`;
  });
}

interface Place {
  readonly path: readonly PropertyKey[];
  readonly text: string;
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
  string: 'a string',
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
        : `must be ${kinds[issue.expected] ?? issue.expected}, not ${kindOf(issue.input, issue.expected)}`;
    case 'too_small':
      return limitText(issue, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return limitText(issue, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'invalid_value':
      return issue.input === undefined
        ? `is missing; it must be one of ${listOf(issue.values)}`
        : `must be one of ${listOf(issue.values)}, not ${JSON.stringify(issue.input)}${hintFor(issue.input, issue.values)}`;
    default:
      return undefined;
  }
}

/** A value beyond a limit, and what the limit is of. */
type Limited = z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig>;

/** What a limit of a list or a string counts. */
const counted: Readonly<Record<string, readonly [string, string]>> = {
  array: ['entry', 'entries'],
  string: ['character', 'characters'],
};

function limitText({ origin, input }: Limited, relation: string, limit: number | bigint): string {
  const [singular, plural] = counted[origin] ?? [];
  return singular === undefined
    ? `must be ${relation} ${limit}, not ${input}`
    : `must have ${relation} ${limit} ${Number(limit) === 1 ? singular : plural}`;
}

function listOf(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}

function hintFor(input: unknown, values: readonly unknown[]): string {
  const texts = values.filter((value) => typeof value === 'string');
  return typeof input === 'string' ? didYouMean(nearest(input, texts)) : '';
}

function didYouMean(near: string | null): string {
  return near === null ? '' : ` (did you mean ${JSON.stringify(near)}?)`;
}

function kindOf(input: unknown, expected: string): string {
  if (input === null) {
    return 'null';
  }
  if (typeof input === 'number' && expected === 'int') {
    return String(input);
  }
  return Array.isArray(input) ? 'a list' : (kinds[typeof input] ?? typeof input);
}
