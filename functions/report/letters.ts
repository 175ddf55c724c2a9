/** Statuses as single letters, which is how the page's data hold them. Pure. */

/** Letter → `run_status`. `U` also stands for every status that is not documented. */
export const statusNames: Readonly<Record<string, string>> = {
  S: 'SUCCESS',
  A: 'ALARMING',
  F: 'FAILED',
  R: 'RUNNING',
  P: 'SUSPENDING',
  U: 'UNKNOWN',
};

/** Letter → `notify_status`. `-` stands for none and for every status that is not documented. */
export const notifyNames: Readonly<Record<string, string>> = {
  S: 'SUCCESS',
  F: 'FAILED',
  N: 'NOT_TRIGGERED',
  '-': '',
};
