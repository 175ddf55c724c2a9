/**
 * The files of one day of one workspace: which a run wrote, which a compaction made, and what a compaction does. Pure.
 */
import { latestRowsOf } from '../warehouse/compacted-files.ts';
import type { ListedObject } from '../warehouse/store.ts';

/** The files of one day. */
export interface DayFiles {
  readonly workspace: string;
  /** `YYYY-MM-DD`. */
  readonly dt: string;
  /** Start of their keys; ends in `/`. */
  readonly prefix: string;
  /** Files that runs wrote, by key, in order of their names. */
  readonly written: readonly ListedObject[];
  /** Files that compactions made. */
  readonly compacted: readonly ListedObject[];
}

const keyPattern = /^(.+\/workspace=([^/]+)\/dt=(\d{4}-\d{2}-\d{2})\/)[^/]+-\d+\.parquet$/;

/** Groups the data files of one table by workspace and day. Keys of other shapes are left out. */
export function daysOf(files: readonly ListedObject[]): DayFiles[] {
  const days = new Map<string, { workspace: string; dt: string; written: ListedObject[]; compacted: ListedObject[] }>();
  for (const file of [...files].sort(byKey)) {
    const [, prefix, workspace, dt] = keyPattern.exec(file.key) ?? [];
    if (prefix !== undefined && workspace !== undefined && dt !== undefined) {
      const day = days.get(prefix) ?? { workspace, dt, written: [], compacted: [] };
      days.set(prefix, day);
      (latestRowsOf(file.key) === null ? day.written : day.compacted).push(file);
    }
  }
  return [...days].map(([prefix, day]) => ({ prefix, ...day }));
}

/** Returns the name of a file in its folder. */
export function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function byKey(a: ListedObject, b: ListedObject): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
