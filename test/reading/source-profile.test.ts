import { describe, expect, it } from 'vitest';
import { type Reply, replyOf } from '../../functions/reading/page-source.ts';
import { SourceProfile } from '../../functions/reading/source-profile.ts';
import { epochMs, executions } from '../support/paged-source.ts';

const window = { fromMs: epochMs - 500, toMs: epochMs + 10_000_000 - 500 };

/** Returns a reply with rows a second apart, beginning at the start of the window. */
function aReply(rows: number, count: number | null, startOf = (index: number): number => index * 1000): Reply {
  const page = { count, executions: executions(rows, startOf), unreadable: [], receivedAtMs: epochMs };
  return replyOf(window, page, 1, 0);
}

/** Returns the profile after these replies, all of them at offset 0. */
function profileOf(...replies: readonly Reply[]): SourceProfile {
  const profile = new SourceProfile();
  for (const reply of replies) {
    profile.note(0, reply);
  }
  return profile;
}

describe('the profile of a source', () => {
  it('assumes that a page holds at least two rows', () => {
    expect([1, 2].map((rows) => aReply(rows, null).isShort)).toEqual([true, false]);
  });

  it('believes counts below one that exceeded a full page', () => {
    const profile = profileOf(aReply(50, 80));
    expect([79, 80, null].map((count) => profile.believes(count))).toEqual([true, false, false]);
  });

  it('does not trust the count of a reply that is not full', () => {
    expect(profileOf(aReply(50, null), aReply(30, 80)).largestCount).toBe(0);
  });

  it('drops the largest count when a larger page is seen, and has windows read again', () => {
    const profile = profileOf(aReply(50, 80));
    const { revision } = profile;
    profile.note(0, aReply(100, null));
    expect(profile.largestCount).toBe(0);
    expect(profile.revision).toBe(revision + 1);
  });

  it('does not trust counts after a reply with more rows than its count, including its offset', () => {
    const profile = profileOf(aReply(100, 1000));
    profile.note(0, aReply(100, 100));
    expect(profile.believes(10)).toBe(true);
    const { revision } = profile;
    profile.note(100, aReply(50, 149));
    expect(profile.believes(10)).toBe(false);
    expect(profile.revision).toBe(revision + 1);
  });

  it('requires no second read if no count was believed', () => {
    const profile = profileOf(aReply(100, 100));
    profile.note(100, aReply(50, 50));
    expect(profile.revision).toBe(0);
  });

  it.each([
    [-2, false],
    [-1, true],
    [10_000_000, true],
    [10_000_001, false],
  ])('subtracts counts unless a row lies outside the requested span (%i ms from its start)', (ms, holds) => {
    const profile = profileOf(aReply(1, null, () => ms - 500));
    expect(profile.balancesHold).toBe(holds);
    expect(profile.revision).toBe(holds ? 0 : 1);
  });
});
