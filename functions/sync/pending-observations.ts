/**
 * Observations that wait for their commit, by column.
 *
 * As objects, a commit's 50,000 would be 20 MB that the collector walks over again and again; this way they are a few.
 */
import { compareExecutions, type EpochMs, type Execution, type Observation } from '../model.ts';

/** What all observations of one run have in common. */
export type RunColumns = Pick<Observation, 'workspace' | 'projectId' | 'runId'>;

/** Gathers observations; a commit takes them. */
export class PendingObservations {
  readonly #run: RunColumns;
  #columns: Columns;

  constructor(run: RunColumns) {
    this.#run = run;
    this.#columns = emptyColumns(run);
  }

  get count(): number {
    return this.#columns.id.length;
  }

  add(execution: Execution, observedAtMs: EpochMs): void {
    const columns = this.#columns;
    columns.id.push(execution.id);
    columns.name.push(execution.name);
    columns.taskId.push(execution.taskId);
    columns.taskType.push(execution.taskType);
    columns.runStatus.push(execution.runStatus);
    columns.notifyStatus.push(execution.notifyStatus);
    columns.startTimeMs.push(execution.startTimeMs);
    columns.endTimeMs.push(execution.endTimeMs ?? Number.NaN);
    columns.extra.push(execution.extra);
    columns.observedAtMs.push(observedAtMs);
  }

  /** All of them, in table order; afterwards there are none. */
  take(): Observation[] {
    const columns = this.#columns;
    this.#columns = emptyColumns(this.#run);
    return columns.id.map((_, index) => new PendingObservation(columns, index)).sort(compareExecutions);
  }
}

/** Times are plain numbers throughout, NaN for none, so that V8 keeps them unboxed. */
interface Columns {
  readonly run: RunColumns;
  readonly id: bigint[];
  readonly name: (string | null)[];
  readonly taskId: (bigint | null)[];
  readonly taskType: (string | null)[];
  readonly runStatus: (string | null)[];
  readonly notifyStatus: (string | null)[];
  readonly startTimeMs: EpochMs[];
  readonly endTimeMs: EpochMs[];
  readonly extra: (string | null)[];
  readonly observedAtMs: EpochMs[];
}

function emptyColumns(run: RunColumns): Columns {
  return {
    run,
    id: [],
    name: [],
    taskId: [],
    taskType: [],
    runStatus: [],
    notifyStatus: [],
    startTimeMs: [],
    endTimeMs: [],
    extra: [],
    observedAtMs: [],
  };
}

/** A row of the columns, seen as an observation. */
class PendingObservation implements Observation {
  readonly #columns: Columns;
  readonly #index: number;

  constructor(columns: Columns, index: number) {
    this.#columns = columns;
    this.#index = index;
  }

  get id(): bigint {
    return this.#columns.id[this.#index] ?? 0n;
  }

  get name(): string | null {
    return this.#columns.name[this.#index] ?? null;
  }

  get taskId(): bigint | null {
    return this.#columns.taskId[this.#index] ?? null;
  }

  get taskType(): string | null {
    return this.#columns.taskType[this.#index] ?? null;
  }

  get runStatus(): string | null {
    return this.#columns.runStatus[this.#index] ?? null;
  }

  get notifyStatus(): string | null {
    return this.#columns.notifyStatus[this.#index] ?? null;
  }

  get startTimeMs(): EpochMs {
    return this.#columns.startTimeMs[this.#index] ?? 0;
  }

  get endTimeMs(): EpochMs | null {
    const ms = this.#columns.endTimeMs[this.#index] ?? Number.NaN;
    return Number.isNaN(ms) ? null : ms;
  }

  get extra(): string | null {
    return this.#columns.extra[this.#index] ?? null;
  }

  get observedAtMs(): EpochMs {
    return this.#columns.observedAtMs[this.#index] ?? 0;
  }

  get workspace(): string {
    return this.#columns.run.workspace;
  }

  get projectId(): string {
    return this.#columns.run.projectId;
  }

  get runId(): string {
    return this.#columns.run.runId;
  }
}
