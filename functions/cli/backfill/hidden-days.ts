/** Warns of a backfill whose first days Athena would not show. Pure. */

/**
 * Returns the warning, or null.
 *
 * @param from a day or an instant as the user gave it; a relative one is never as far back, and is not looked at
 * @param firstDay first day that the deployed table projects; undefined where that is unknown
 */
export function hiddenDaysWarning(from: string | undefined, firstDay: string | undefined): string | null {
  const day = /^\d{4}-\d\d-\d\d/.exec(from ?? '')?.[0];
  if (day === undefined || firstDay === undefined || day >= firstDay) {
    return null;
  }
  return `Athena shows no day before ${firstDay}. The backfill writes them all the same; to see them, set deployment.firstDay to "${day}" and run npx cdk deploy.`;
}
