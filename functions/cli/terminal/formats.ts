/** Numbers, times and texts as people read them. Pure. */
import type { EpochMs } from '../../model.ts';

const integers = new Intl.NumberFormat('en-US');

/** `12,345`. */
export function count(value: number | bigint): string {
  return integers.format(value);
}

/** `1 file`, `2 files`. */
export function counted(value: number, singular: string, plural = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : plural}`;
}

/** An ISO instant to the second: `2026-01-01T00:00:00Z`. */
export function shortTime(iso: string): string {
  return iso.replace(/^(\d{4}-\d\d-\d\dT[\d:]{8})\.\d+Z$/, '$1Z');
}

const units: readonly (readonly [string, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
];

/** A length of time in its largest unit, cut: `3 days`, `1 hour`, `0 seconds`. */
export function duration(ms: EpochMs): string {
  const [name, unitMs] = units.find(([, size]) => ms >= size) ?? ['second', 1000];
  return counted(Math.max(0, Math.floor(ms / unitMs)), name);
}

/** `812 B`, `14.2 kB`, `3.1 MB`. */
export function bytes(value: number): string {
  if (value < 1000) {
    return `${value} B`;
  }
  const [name, size] = value < 1_000_000 ? ['kB', 1000] : value < 1_000_000_000 ? ['MB', 1e6] : ['GB', 1e9];
  return `${(value / Number(size)).toFixed(1)} ${name}`;
}

/** A text as one paragraph: line breaks and the like become spaces. */
export function paragraph(text: string): string {
  return printable(text.replace(/\s+/g, ' ').trim());
}

/** A text of the source on one line, with nothing in it that moves the cursor or turns the writing around. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
