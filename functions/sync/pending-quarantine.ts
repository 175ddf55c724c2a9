/** Unreadable rows that wait for the next commit, each once per target. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { fingerprintOfUnreadable } from '../checkpoint/fingerprint.ts';
import type { UnreadableRow } from '../model.ts';

/** Collects rows for the quarantine until the next commit. */
export class PendingQuarantine {
  #rows: UnreadableRow[] = [];
  #known: Set<string> = new Set();

  get count(): number {
    return this.#rows.length;
  }

  /** Adds a row unless it is in quarantine already. Returns its fingerprint. */
  add(row: UnreadableRow): string {
    const fingerprint = fingerprintOfUnreadable(row);
    if (!this.#known.has(fingerprint)) {
      this.#known.add(fingerprint);
      this.#rows.push(row);
    }
    return fingerprint;
  }

  /** Returns all rows, and removes them. */
  take(): UnreadableRow[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  /** Takes over the known rows of a checkpoint. */
  remember({ quarantined }: Checkpoint): void {
    this.#known = new Set(quarantined.map(({ fingerprint }) => fingerprint));
  }
}
