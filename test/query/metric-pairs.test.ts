import { expect, it } from 'vitest';
import { metricPairs } from '../../functions/query/metric-pairs.ts';

it('shows every digit that a rule has measured, in the order of the source', () => {
  const measured = '{"Max id":1012386207306600449,"Rate":1.10,"Rows":"9007199254740993","More":[1e400,5],"Empty":null}';

  expect(metricPairs(measured, '')).toEqual([
    'Max id: 1012386207306600449',
    'Rate: 1.10',
    'Rows: 9007199254740993',
    'More: ["1e400",5]',
    'Empty: null',
  ]);
});
