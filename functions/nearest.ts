/** Suggests the name that was probably meant by a mistyped one. Pure. */

/** Returns the candidate with the fewest edits, at most a third of its letters; null if none is that close. */
export function nearest(typed: string, candidates: readonly string[]): string | null {
  let best: { readonly name: string; readonly edits: number } | null = null;
  for (const name of candidates) {
    const edits = editsBetween(typed.toLowerCase(), name.toLowerCase());
    if (edits <= Math.max(1, name.length / 3) && (best === null || edits < best.edits)) {
      best = { name, edits };
    }
  }
  return best?.name ?? null;
}

/** Returns the number of letters to insert, remove, replace, or swap with their neighbor. */
function editsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? (beforeLast[j - 2] ?? 0) + 1 : replaced;
      row.push(Math.min(replaced, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
