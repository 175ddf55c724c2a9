/** How to replace a damaged data file. Pure. */
import { isoTime, parseTime } from '../clock.ts';
import { type DataFileKey, resultTableName, tableName } from './layout.ts';

const dayMs = 86_400_000;

/** Returns how to replace the rows of a file that has no copy. */
export function withoutBackup({ table, workspace, dt }: DataFileKey): string {
  const days = `--from ${dt} --to ${isoTime((parseTime(dt) ?? 0) + dayMs).slice(0, 10)}`;
  const move = 'Without a backup, move it out of the warehouse';
  switch (table) {
    // The count alone may agree, because other files of the day may hold older states of the same executions.
    case tableName:
      return `${move} and read its day again; executions that the source no longer lists are lost: dqsync verify ${days} --deep --repair`;
    case resultTableName:
      return `${move} and fetch the rule results of its day again; those that the source no longer has are lost: dqsync backfill ${days} --again --results`;
    default:
      return `${move}, delete state/.tasks/${workspace}/ and write the present tasks and rules again; their earlier states are lost: dqsync sync --tasks`;
  }
}
