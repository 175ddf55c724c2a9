/** The arithmetic of windows, compared with the sets of instants that they stand for. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  contains,
  containsAny,
  cutAt,
  gapsIn,
  lengthOf,
  overlap,
  quantileCuts,
  spansFrom,
  unionOf,
} from '../functions/intervals.ts';
import type { Window } from '../functions/model.ts';

const end = 40;
const aWindow = fc
  .tuple(fc.integer({ min: 0, max: end - 1 }), fc.integer({ min: 1, max: end }))
  .map(([fromMs, length]): Window => ({ fromMs, toMs: Math.min(end, fromMs + length) }));
const windows = fc.array(aWindow, { maxLength: 8 });
const anInstant = fc.integer({ min: -1, max: end + 1 });

const instantsOf = (spans: readonly Window[]): number[] =>
  Array.from({ length: end }, (_, ms) => ms).filter((ms) => spans.some((span) => contains(span, ms)));

/** Fails unless the windows are in order, disjoint and not empty. */
function expectDisjoint(spans: readonly Window[]): void {
  const edges = spans.flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  expect(edges).toEqual([...edges].sort((a, b) => a - b));
  expect(spans.every(({ fromMs, toMs }) => fromMs < toMs)).toBe(true);
}

it('a union holds exactly the instants of its windows, in as few windows as possible', () => {
  fc.assert(
    fc.property(windows, (spans) => {
      const union = unionOf(spans);
      expectDisjoint(union);
      expect(instantsOf(union)).toEqual(instantsOf(spans));
      expect(lengthOf(union)).toBe(instantsOf(spans).length);
      expect(union.slice(1).every(({ fromMs }, index) => fromMs > (union[index]?.toMs ?? 0))).toBe(true);
    }),
  );
});

it('gaps and what is covered share no instant, and together are the window', () => {
  fc.assert(
    fc.property(aWindow, windows, (window, spans) => {
      const gaps = gapsIn(window, unionOf(spans));
      expectDisjoint(gaps);
      const covered = new Set(instantsOf(spans));
      expect(instantsOf(gaps)).toEqual(instantsOf([window]).filter((ms) => !covered.has(ms)));
    }),
  );
});

it('an instant and a window are found in the windows that contain them', () => {
  fc.assert(
    fc.property(aWindow, windows, anInstant, (window, spans, ms) => {
      expect(containsAny(unionOf(spans), ms)).toBe(spans.some((span) => contains(span, ms)));
      const shared = new Set(instantsOf([window]));
      expect(spans.some((span) => overlap(window, span))).toBe(instantsOf(spans).some((each) => shared.has(each)));
    }),
  );
});

it('the spans from an instant on are those without what is before it', () => {
  fc.assert(
    fc.property(windows, anInstant, (spans, ms) => {
      const rest = spansFrom(unionOf(spans), ms);
      expectDisjoint(rest);
      expect(instantsOf(rest)).toEqual(instantsOf(spans).filter((each) => each >= ms));
    }),
  );
});

it('a window that is cut, wherever, is the same without gap or overlap', () => {
  fc.assert(
    fc.property(aWindow, fc.array(anInstant, { maxLength: 6 }), (window, cuts) => {
      const parts = cutAt(window, cuts);
      expectDisjoint(parts);
      expect(unionOf(parts)).toEqual([window]);
      expect(cuts.every((ms) => !parts.some(({ fromMs, toMs }) => fromMs < ms && ms < toMs))).toBe(true);
    }),
  );
});

it('cuts by quantiles leave parts whose sizes differ by at most one if no instants are equal', () => {
  fc.assert(
    fc.property(fc.uniqueArray(anInstant, { minLength: 4 }), fc.integer({ min: 1, max: 4 }), (instants, count) => {
      const sorted = instants.toSorted((a, b) => a - b);
      const parts = cutAt({ fromMs: -2, toMs: end + 2 }, quantileCuts(sorted, count));
      const sizes = parts.map((part) => sorted.filter((ms) => contains(part, ms)).length);
      expect(sizes).toHaveLength(count);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});
