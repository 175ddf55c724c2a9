/** Rows that cannot be read as an execution, each for one reason. */
import type { EpochMs } from '../../functions/model.ts';

/** The reason why a row is unreadable. */
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

/** All kinds. */
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

/**
 * Returns the row's JSON text, with keys sorted as dqsync writes them. `idText` distinguishes rows of one kind if it
 * has an id.
 */
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
