/** How the table says that an execution is gone from the source. Pure. */
import { InternalError } from '../../errors.ts';

/** `extra` with a note of when the execution was found to be gone. @param vanishedAt ISO 8601 */
export function vanishedExtra(extra: string | null, vanishedAt: string): string {
  const note = `"_dqsync":${JSON.stringify({ vanished_at: vanishedAt })}`;
  if (extra === null || extra === '{}') {
    return `{${note}}`;
  }
  if (!extra.endsWith('}')) {
    throw new InternalError('extra is not a JSON object', { remedy: 'Please report this defect.' });
  }
  return `${extra.slice(0, -1)},${note}}`;
}
