/** Changes the instances between one page and the next, as the traps demand. */
import type { EpochMs } from '../../functions/model.ts';
import { wholeSecondWithin } from './grain.ts';
import { windowOf } from './instance-page.ts';
import type { Listing } from './listing.ts';
import type { Random } from './random.ts';
import type { PageEvent, Traps } from './traps.ts';

/** Runs again, deletes or inserts an instance after every nth page, within the page's window. */
export function disturb(event: PageEvent, listing: Listing, traps: Traps, nowMs: EpochMs, random: Random): void {
  const { n, life, query, workspace } = event;
  if (isDue(n, traps.rerunEveryNthRequest)) {
    const { from, to } = windowOf(listing, query, traps);
    life.disturb('rerun', workspace, from, to);
  }
  if (isDue(n, traps.deleteEveryNthRequest)) {
    const { from, to } = windowOf(listing, query, traps);
    life.disturb('remove', workspace, from, to);
  }
  if (isDue(n, traps.insertEveryNthRequest)) {
    const { filterSkewMs } = traps;
    const toMs = Math.min((query.endTimeMs ?? nowMs) - filterSkewMs, nowMs);
    const fromMs = Math.min((query.startTimeMs ?? nowMs - 60_000) - filterSkewMs, toMs);
    const startTimeMs = wholeSecondWithin(random.between(fromMs, toMs), fromMs, toMs);
    life.addExecution({ workspace, startTimeMs, visibleAtMs: nowMs });
  }
}

function isDue(n: number, every: number | null): boolean {
  return every !== null && n % every === 0;
}
