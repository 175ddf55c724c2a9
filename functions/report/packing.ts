/** Statuses as letters, and counts of days and hours packed into text. Pure; the page's own script imports it too. */

/** Letter → `run_status`. `U` also means any undocumented status. */
export const statusNames: Readonly<Record<string, string>> = {
  S: 'SUCCESS',
  A: 'ALARMING',
  F: 'FAILED',
  R: 'RUNNING',
  P: 'SUSPENDING',
  U: 'UNKNOWN',
};

/** Letter → `notify_status`. `-` means none or any undocumented status. */
export const notifyNames: Readonly<Record<string, string>> = {
  S: 'SUCCESS',
  F: 'FAILED',
  N: 'NOT_TRIGGERED',
  '-': '',
};

/** Settled executions of one day. */
export interface DayCounts {
  readonly passed: number;
  readonly alarms: number;
  readonly failed: number;
}

/** Packs counts: one part for each day, empty without executions, a single number if all passed. */
export function packDays(days: readonly DayCounts[]): string {
  const parts = days.map(({ passed, alarms, failed }) =>
    alarms + failed > 0 ? `${passed},${alarms},${failed}` : passed > 0 ? String(passed) : '',
  );
  return parts.join(';');
}

/** Undoes `packDays`. */
export function unpackDays(text: string): DayCounts[] {
  return text.split(';').map((part) => {
    const [passed = 0, alarms = 0, failed = 0] = part.split(',').map(Number);
    return { passed, alarms, failed };
  });
}

/** Adds packed counts up, day by day. */
export function sumOfDays(texts: readonly string[], days: number): DayCounts[] {
  const sums = Array.from({ length: days }, () => ({ passed: 0, alarms: 0, failed: 0 }));
  for (const text of texts) {
    for (const [day, { passed, alarms, failed }] of unpackDays(text).entries()) {
      const sum = sums[day];
      if (sum !== undefined) {
        sum.passed += passed;
        sum.alarms += alarms;
        sum.failed += failed;
      }
    }
  }
  return sums;
}

/** Executions of one hour of one day. */
export interface HourCounts {
  /** Index of the day. */
  readonly day: number;
  readonly hour: number;
  readonly runs: number;
  readonly bad: number;
}

/**
 * Packs the rows of `hoursSql`, for each workspace and project.
 *
 * @returns by `<workspace>/<project>`
 */
export function packHours(rows: readonly (readonly unknown[])[], days: readonly string[]): Map<string, string> {
  const indexes = new Map(days.map((day, index) => [day, index]));
  const byPlace = Map.groupBy(rows, (row) => `${row[0]}/${row[1]}`);
  return new Map(
    [...byPlace].map(([place, ofPlace]) => [
      place,
      ofPlace.map((row) => `${indexes.get(String(row[2])) ?? 0}:${row[3]}=${row[4]},${row[5]}`).join(';'),
    ]),
  );
}

/** Undoes `packHours`. */
export function unpackHours(text: string): HourCounts[] {
  return text === ''
    ? []
    : text.split(';').map((part) => {
        const [day = 0, hour = 0, runs = 0, bad = 0] = part.split(/[:=,]/).map(Number);
        return { day, hour, runs, bad };
      });
}

/** Objects with the same properties, each name once. */
export interface PackedRows {
  readonly names: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Packs objects; what is packed is smaller by its names. */
export function packRows(objects: readonly object[]): PackedRows {
  const names = Object.keys(objects[0] ?? {});
  return { names, rows: objects.map((object) => names.map((name) => Reflect.get(object, name))) };
}
