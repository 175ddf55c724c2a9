import { expect, it } from 'vitest';
import { crashAtEveryStep } from './crash-rounds.ts';

it.each(['first', 'next'] as const)(
  'a process killed at any request, before its effect or before its reply arrives, loses no row of its %s sync to S3',
  async (runs) => {
    const figures = await crashAtEveryStep({
      store: 's3',
      runs,
      executions: 40,
      days: 1,
      steps: { at: 'request', moments: ['before', 'after'] },
    });
    expect(figures).toMatchObject({ failures: [] });
    expect(figures.kills).toBeGreaterThan(10);
  },
);
