/** The files of one day of one workspace: which a run wrote, and which a compaction made. Pure. */
import { type DataFileKey, latestRowsOf, parseDataKey } from '../warehouse/layout.ts';
import type { ListedObject } from '../warehouse/store.ts';

export interface ListedFile extends ListedObject, DataFileKey {}

export interface DayFiles extends Omit<DataFileKey, 'name'> {
  /** Files that runs wrote, in order of their names. */
  readonly written: ListedFile[];
  /** Files that compactions made. */
  readonly compacted: ListedFile[];
}

/** Groups data files by workspace and day, in order. Keys of other shapes are left out. */
export function daysOf(objects: readonly ListedObject[]): DayFiles[] {
  const days = new Map<string, DayFiles>();
  for (const object of [...objects].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const file = parseDataKey(object.key);
    if (file !== null) {
      const day = days.get(file.prefix) ?? { ...file, written: [], compacted: [] };
      days.set(file.prefix, day);
      (latestRowsOf(object.key) === null ? day.written : day.compacted).push({ ...object, ...file });
    }
  }
  return [...days.values()];
}
