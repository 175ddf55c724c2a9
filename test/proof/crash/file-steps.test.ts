import { describe, expect, it } from 'vitest';
import { allIsWell } from './all-is-well.ts';
import { crashAtEveryStep } from './crash-rounds.ts';

describe('a process killed at any step on the files of a warehouse', () => {
  it('loses nothing of its first sync', async () => {
    const firstStep = 1;
    const figures = await crashAtEveryStep({
      store: 'file',
      runs: 'first',
      executions: 40,
      days: 1,
      // After a step is before the next one, as far as files go.
      steps: { at: 'file-step', moments: ['after'] },
      // The long form takes every one.
      stride: 3,
      firstStep,
    });
    expect(figures, `from step ${firstStep}`).toMatchObject(allIsWell);
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
    expect(figures).toMatchObject(allIsWell);
    expect(figures.kills).toBeGreaterThan(20);
    // Worlds work in parallel, so their steps come in no order.
    expect(figures.hit).toContainEqual(expect.stringMatching(/^link quality_.*\.parquet$/));
    expect(figures.hit).toContain('rename state/sales/checkpoint.json');
  });
});
