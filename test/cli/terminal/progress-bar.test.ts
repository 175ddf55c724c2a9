/** Where the bar stands between two proven points. */
import { expect, it } from 'vitest';
import { Position } from '../../../functions/cli/terminal/progress-bar.ts';

const progress = (doneMs: number, rowsRead: number) => ({
  target: 'sales',
  atMs: 5_000 + doneMs,
  doneMs,
  totalMs: 1_000,
  rowsRead,
});

it('estimates from the rows read since the last proven point, by the rows seen before it', () => {
  const position = new Position();
  expect(position.after(progress(0, 50))).toBe(0);
  expect(position.after(progress(200, 400))).toBe(200);
  expect(position.after(progress(200, 500))).toBe(250);
  expect(position.after(progress(400, 800))).toBe(400);
});

it('never goes back and never beyond the end', () => {
  const position = new Position();
  position.after(progress(100, 100));
  expect(position.after(progress(100, 500))).toBe(500);
  expect(position.after(progress(300, 600))).toBe(500);
  expect(position.after(progress(300, 9_000))).toBe(1_000);
});
