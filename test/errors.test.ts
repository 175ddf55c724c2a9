import { describe, expect, it } from 'vitest';
import { describeError, SourceError } from '../functions/errors.ts';

describe('an error as one paragraph', () => {
  it.each([
    ['it failed', {}, 'it failed. Run again.'],
    ['it failed.', {}, 'it failed. Run again.'],
    ['it failed: the cause is a sentence.', { code: 'C1' }, 'it failed: the cause is a sentence (code C1). Run again.'],
  ])('has one full stop between message and remedy: %j', (message, details, shown) => {
    expect(describeError(new SourceError(message, { remedy: 'Run again.', ...details }))).toBe(shown);
  });
});
