/** Warns about a backfill whose first days Athena would not show. Pure. */

/**
 * Returns the warning, or null.
 *
 * @param from a day or an instant as text; a relative time is never that far back, and is ignored
 * @param firstDay first day of the deployed table's projection; undefined if unknown
 */
export function hiddenDaysWarning(from: string | undefined, firstDay: string | undefined): string | null {
  const day = /^\d{4}-\d\d-\d\d/.exec(from ?? '')?.[0];
  if (day === undefined || firstDay === undefined || day >= firstDay) {
    return null;
  }
  return `Athena shows no day before ${firstDay}. The backfill still writes them. To see them, set deployment.firstDay to "${day}" and run npx cdk deploy.`;
}
