/** The data in the page, as they were before packing. */
import type { PackedRows } from '../packing.ts';
import type { IncidentData, ReportData, TaskData } from '../report-data.ts';

/** Reads the data that report-page.ts has embedded. */
export function embeddedData(): ReportData {
  const data = JSON.parse(document.getElementById('data')?.textContent ?? 'null');
  return { ...data, tasks: unpackRows<TaskData>(data.tasks), incidents: unpackRows<IncidentData>(data.incidents) };
}

function unpackRows<T extends object>({ names, rows }: PackedRows): T[] {
  return rows.map((row) => Object.assign(Object.create(null), ...names.map((name, index) => ({ [name]: row[index] }))));
}
