/** Page bodies as text, so that every digit is under the test's hand. */
import { parsePage } from '../../functions/source/wire.ts';

/** A row with every documented field, each as JSON text. */
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

/** A row's text from the texts of its fields; undefined leaves one out. */
export function rowText(changes: Record<string, string | undefined> = {}): string {
  const fields = Object.entries({ ...full, ...changes }).filter(([, value]) => value !== undefined);
  return `{${fields.map(([name, value]) => `"${name}": ${value}`).join(', ')}}`;
}

/** Reads a body that is a page. */
export function page(text: string) {
  const content = parsePage(text);
  if (!content.isPage) {
    throw new Error(`not a page: ${content.problem}`);
  }
  return content;
}

/** Reads a page of these rows. */
export function pageOf(...rows: string[]) {
  return page(`{"count": ${rows.length}, "resources": [${rows.join(', ')}]}`);
}
