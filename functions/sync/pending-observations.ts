/** Observations that wait for the next commit. */
import { InternalError } from '../errors.ts';
import { compareExecutions, type EpochMs, type Execution, type Observation } from '../model.ts';

/** The columns that all observations of a run share. */
export type RunColumns = Pick<Observation, 'workspace' | 'projectId' | 'runId'>;

/** Collects observations for the next commit. */
export class PendingObservations {
  readonly #run: RunColumns;
  #rows: Observation[] = [];

  constructor(run: RunColumns) {
    this.#run = run;
  }

  get count(): number {
    return this.#rows.length;
  }

  add(execution: Execution, observedAtMs: EpochMs): void {
    const { workspace, projectId, runId } = this.#run;
    this.#rows.push({ ...execution, workspace, projectId, observedAtMs, runId });
  }

  /** Returns all observations in table order, and removes them. */
  take(): Observation[] {
    const rows = this.#rows;
    this.#rows = [];
    return rows.sort(compareExecutions);
  }
}

/**
 * Returns `extra` with the time at which the execution was found missing at the source.
 *
 * @param vanishedAt ISO 8601
 */
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
