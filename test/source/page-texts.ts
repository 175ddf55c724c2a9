/** Page bodies as text, so that tests control every digit. */
import { parsePage } from '../../functions/source/wire.ts';
import { newYearMs } from '../support/builders.ts';

/** A row with all documented fields, each as JSON text. */
export const full = {
  id: '9007199254740993123',
  name: '"orders not empty"',
  task_id: '1234567890123456789',
  task_type: '"QUALITY_TASK"',
  run_status: '"SUCCESS"',
  notity_status: '"NOT_TRIGGERED"',
  start_time: '1767225600000',
  end_time: '1767225660000',
};

/** Returns a row's text, made from the texts of its fields. A field that is undefined is omitted. */
export function rowText(changes: Record<string, string | undefined> = {}): string {
  const fields = Object.entries({ ...full, ...changes }).filter(([, value]) => value !== undefined);
  return `{${fields.map(([name, value]) => `"${name}": ${value}`).join(', ')}}`;
}

/** Parses a body, which must be a page. */
export function page(text: string) {
  const content = parsePage(text, newYearMs);
  if ('problem' in content) {
    throw new Error(`not a page: ${content.problem}`);
  }
  return content.value;
}

/** Parses a page with these rows. */
export function pageOf(...rows: string[]) {
  return page(`{"count": ${rows.length}, "resources": [${rows.join(', ')}]}`);
}
