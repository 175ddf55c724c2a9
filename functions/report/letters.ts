/** Encodes statuses as single letters for the page's data. Pure. */

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
