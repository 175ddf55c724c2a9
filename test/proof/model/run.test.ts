import { describe, expect, it } from 'vitest';
import { modelRounds } from './run-rounds.ts';

describe('whatever happens, the view equals the source after a quiet end', () => {
  it('for any sequence of changes, traps, kills, runs at once and rewinds', async () => {
    // The same each time; `npm run soak` draws others.
    const seed = 20_261_124;
    const figures = await modelRounds({ seed, sequences: 40, actions: 40 });
    expect(figures.counterexample).toBeNull();
    expect(figures.runs).toBeGreaterThan(20);
    expect(figures.kills).toBeGreaterThan(2);
  });
});
