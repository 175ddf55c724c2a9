import { describe, expect, it } from 'vitest';
import { describeError, IncompleteReadError, SourceError } from '../functions/errors.ts';

describe('an error as one paragraph', () => {
  it.each([
    ['it failed', {}, 'it failed. Run again.'],
    ['it failed.', {}, 'it failed. Run again.'],
    ['it failed: the cause is a sentence.', { code: 'C1' }, 'it failed: the cause is a sentence (code C1). Run again.'],
    ['Table x does not exist!', {}, 'Table x does not exist. Run again.'],
  ])('has one full stop between message and remedy: %j', (message, details, shown) => {
    expect(describeError(new SourceError(message, { remedy: 'Run again.', ...details }))).toBe(shown);
  });
});

it('a window that cannot be proven complete comes with the command that lists it', () => {
  const fromMs = Date.parse('2026-01-01T08:00:00Z');
  expect(describeError(new IncompleteReadError({ fromMs, toMs: fromMs + 500 }, 505, 300))).toBe(
    '2026-01-01T08:00:00.000Z to 2026-01-01T08:00:00.500Z cannot be proven complete: the source reports 505 rows and showed 300 distinct rows. ' +
      'Some of its executions may be missing from the table until a later run reads all of them. ' +
      'If this persists, compare the rows that the source lists with its count: dqsync list --from 2026-01-01T08:00:00.000Z --to 2026-01-01T08:00:00.500Z',
  );
});
