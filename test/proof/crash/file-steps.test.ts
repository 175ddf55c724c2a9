import { describe, expect, it } from 'vitest';
import { crashAtEveryStep } from './crash-rounds.ts';

describe('a process killed at any step on the files of a warehouse', () => {
  it('loses nothing of its first sync', async () => {
    const figures = await crashAtEveryStep({
      store: 'file',
      runs: 'first',
      executions: 40,
      days: 1,
      // The files look the same after a step as before the next one.
      steps: { at: 'file-step', moments: ['after'] },
      stride: 3,
    });
    expect(figures).toMatchObject({ failures: [] });
    expect(figures.kills).toBeGreaterThan(8);
  });

  it('loses nothing of later syncs, before, within or after the step', async () => {
    const figures = await crashAtEveryStep({
      store: 'file',
      runs: 'next',
      executions: 40,
      days: 1,
      steps: { at: 'file-step', moments: ['before', 'after'] },
    });
    expect(figures).toMatchObject({ failures: [] });
    expect(figures.kills).toBeGreaterThan(20);
    // The order of steps varies, because two worlds share them in parallel.
    expect(figures.hit).toContainEqual(expect.stringMatching(/^link quality_.*\.parquet$/));
    expect(figures.hit).toContain('rename state/sales/checkpoint.json');
  });
});
