/** Counts of days. Pure; the page's own script imports it too. */

/** Settled executions of one day. A tuple, because a page has one for each task and day. */
export type DayCounts = readonly [passed: number, alarms: number, failed: number];

/** Adds counts up, day by day. */
export function sumOfDays(counts: readonly (readonly DayCounts[])[], days: number): DayCounts[] {
  return Array.from({ length: days }, (_, day) =>
    counts.reduce<DayCounts>(
      ([passed, alarms, failed], each) => {
        const [ofPassed, ofAlarms, ofFailed] = each[day] ?? [0, 0, 0];
        return [passed + ofPassed, alarms + ofAlarms, failed + ofFailed];
      },
      [0, 0, 0],
    ),
  );
}
