/** Figures of the bench, and the table in which they are printed. */
import Table from 'cli-table3';

/** One measured figure. */
export interface Figure {
  readonly part: string;
  readonly what: string;
  readonly value: string;
  /** The required value, as text; empty if there is none. */
  readonly bar: string;
  /** Whether the required value is reached; null if there is none. */
  readonly reached: boolean | null;
}

/** Makes a figure with a required minimum or maximum. */
export function judged(
  part: string,
  what: string,
  value: number,
  bar: { readonly atLeast: number } | { readonly atMost: number },
  format: (value: number) => string = wholeNumber,
): Figure {
  const [word, limit] = 'atLeast' in bar ? ['≥', bar.atLeast] : ['≤', bar.atMost];
  const reached = 'atLeast' in bar ? value >= bar.atLeast : value <= bar.atMost;
  return { part, what, value: format(value), bar: `${word} ${format(limit)}`, reached };
}

/** Makes a figure without a required value. */
export function told(part: string, what: string, value: string): Figure {
  return { part, what, value, bar: '', reached: null };
}

export function wholeNumber(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Returns the median. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Returns the table as text. */
export function tableOf(figures: readonly Figure[]): string {
  const table = new Table({ head: ['part', 'what', 'measured', 'bar', ''], style: { head: [], border: [] } });
  for (const { part, what, value, bar, reached } of figures) {
    table.push([part, what, { content: value, hAlign: 'right' }, bar, reached === null ? '' : reached ? '✓' : '✗']);
  }
  return table.toString();
}
