import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../functions/errors.ts';
import { requireTargets } from '../../functions/sync/targets.ts';

/** Returns the message and the remedy. */
function refused(names: readonly string[], existing: readonly string[]): string {
  try {
    requireTargets(names, existing, 'the config');
  } catch (thrown) {
    if (thrown instanceof ConfigError) {
      return `${thrown.message}. ${thrown.remedy}`;
    }
    throw thrown;
  }
  return 'nothing wrong';
}

describe('an unknown target name', () => {
  it('is refused with the name that was probably meant', () => {
    expect(refused(['sales', 'stok'], ['sales', 'stock'])).toBe(
      'no target of the config is named "stok". Did you mean "stock"? It has: sales, stock.',
    );
  });

  it('is refused with a few of many names', () => {
    const many = Array.from({ length: 200 }, (_, index) => `department-${index}`);
    expect(refused(['finance'], many)).toMatch(/It has: department-0, .*, department-9 and 190 more\.$/);
    expect(refused(['departmen-150'], many)).toContain('Did you mean "department-150"?');
  });

  it('is not found if no names are given', () => {
    expect(refused([], ['sales'])).toBe('nothing wrong');
  });
});
