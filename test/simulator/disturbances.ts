/** Changes the instances between one page and the next, as the traps demand. */
import { windowOf } from './instance-page.ts';
import type { Listing } from './listing.ts';
import type { PageEvent, Traps } from './traps.ts';

/** Runs again or deletes an instance after every nth page, within the page's window. */
export function disturb(event: PageEvent, listing: Listing, traps: Traps): void {
  const { n, life, query, workspace } = event;
  if (isDue(n, traps.rerunEveryNthRequest)) {
    const { from, to } = windowOf(listing, query, traps);
    life.disturb('rerun', workspace, from, to);
  }
  if (isDue(n, traps.deleteEveryNthRequest)) {
    const { from, to } = windowOf(listing, query, traps);
    life.disturb('remove', workspace, from, to);
  }
}

function isDue(n: number, every: number | null): boolean {
  return every !== null && n % every === 0;
}
