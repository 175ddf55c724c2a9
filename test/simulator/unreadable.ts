/**
 * Rows that no client can take for an execution, each wrong in one way.
 */
import type { EpochMs } from '../../functions/model.ts';

/** What is wrong with the row. */
export type UnreadableKind =
  | 'id-text'
  | 'id-missing'
  | 'id-null'
  | 'id-decimal'
  | 'id-25-digits'
  | 'start-text'
  | 'start-missing'
  | 'start-null'
  | 'row-null'
  | 'row-text';

/** Every kind, for loops over them. */
export const unreadableKinds: readonly UnreadableKind[] = [
  'id-text',
  'id-missing',
  'id-null',
  'id-decimal',
  'id-25-digits',
  'start-text',
  'start-missing',
  'start-null',
  'row-null',
  'row-text',
];

/** The row's JSON text, keys sorted as dqsync writes them. `idText` keeps rows of one kind apart where the kind leaves room for an id. */
export function unreadableText(kind: UnreadableKind, idText: string, startTimeMs: EpochMs): string {
  const row = (id: string, start: string): string =>
    `{"end_time":null,${id}"name":"unreadable ${idText}","notity_status":"NOT_TRIGGERED","run_status":"SUCCESS",${start}"task_id":7300000000000000001,"task_type":"QUALITY_TASK"}`;
  const id = `"id":${idText},`;
  const start = `"start_time":${startTimeMs},`;
  switch (kind) {
    case 'id-text':
      return row(`"id":"x-${idText}",`, start);
    case 'id-missing':
      return row('', start);
    case 'id-null':
      return row('"id":null,', start);
    case 'id-decimal':
      return row(`"id":${idText}.5,`, start);
    case 'id-25-digits':
      return row(`"id":${idText}123456,`, start);
    case 'start-text':
      return row(id, '"start_time":"2026-11-23 00:00:00",');
    case 'start-missing':
      return row(id, '');
    case 'start-null':
      return row(id, '"start_time":null,');
    case 'row-null':
      return 'null';
    case 'row-text':
      return '"not a row"';
  }
}
