/** Values of stored documents: how they are checked, and written as JSON. Pure. */
import * as z from 'zod';

/** The range of an ECMAScript time value. */
export const storedMs = z.int().min(-8.64e15).max(8.64e15);

/** An id of up to 64 bits, stored as text. */
export const storedId = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .transform(BigInt);

/** A list of entries. */
export const list = <Entry extends z.ZodType>(entry: Entry) => z.array(entry).readonly();

/** Returns a value as JSON, ids as text. */
export function json(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) => (typeof entry === 'bigint' ? entry.toString() : entry));
}

/** Returns a list as JSON with one entry a line, so that people can read and compare it. */
export function jsonLines(entries: readonly unknown[]): string {
  return entries.length === 0 ? '[]' : `[\n${entries.map(json).join(',\n')}\n]`;
}
