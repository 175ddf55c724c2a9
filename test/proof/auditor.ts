/**
 * Checks every write to a warehouse as it happens. Reports data files that change, checkpoints that do not follow from
 * the one before, and coverage of rows that are in no file. Keeps the view, which it derives without code of the
 * product.
 */

import type { Checkpoint, TargetIdentity } from '../../functions/checkpoint/checkpoint.ts';
import { decodeCheckpoint } from '../../functions/checkpoint/codec.ts';
import { watermarkOf } from '../../functions/checkpoint/coverage.ts';
import { gapsIn } from '../../functions/intervals.ts';
import { checkpointKey, tableName } from '../../functions/warehouse/layout.ts';
import type { Simulator } from '../simulator/server.ts';
import { hyparquetRows } from '../support/referee.ts';
import type { ShownExecution } from '../support/view-check.ts';

/** The warehouse and source to audit. */
export interface Audited {
  readonly simulator: Simulator;
  readonly target: string;
  readonly identity: TargetIdentity;
  /** Settle time plus lookback. Executions that started longer ago do not appear any more. */
  readonly lateMs: number;
}

/** The only writer that may remove coverage. */
export const rewinder = 'rewind';

/** Audits the warehouse of one target. */
export class Auditor {
  /** Violations, as text. */
  readonly problems: string[] = [];
  /** Rows in all data files. */
  rows = 0;
  /** Number of checkpoint versions written. */
  commits = 0;
  checkpoint: Checkpoint | null = null;
  readonly #audited: Audited;
  readonly #begun = new Set<{ readonly nowMs: number }>();
  readonly #view: View = new Map();

  constructor(audited: Audited) {
    this.#audited = audited;
  }

  /** Returns the latest observation of each execution. */
  view(): ShownExecution[] {
    return [...this.#view.values()].map(({ shown }) => shown);
  }

  /**
   * To be called when a run begins: rows that appear late after `nowMs` need not be in its files. Returns a function to
   * be called when the run ends.
   */
  runBegins(nowMs: number): () => void {
    const begun = { nowMs };
    this.#begun.add(begun);
    return () => {
      this.#begun.delete(begun);
    };
  }

  /** To be called with every write, in the order of their effect. */
  async onWrite(key: string, bytes: Uint8Array, before: Uint8Array | null, by: string): Promise<void> {
    if (key.startsWith(tableName)) {
      if (before !== null) {
        this.problems.push(`I1: ${by} overwrote ${key}`);
      }
      this.#addRows(await hyparquetRows(bytes));
    } else if (key === checkpointKey(this.#audited.target)) {
      this.#onCheckpoint(bytes, by);
    }
  }

  #onCheckpoint(bytes: Uint8Array, by: string): void {
    const { identity, target } = this.#audited;
    const before = this.checkpoint;
    const now = decodeCheckpoint(bytes, identity, target, 'checkpoint');
    this.checkpoint = now;
    this.commits += 1;
    const chain = [...(before?.commitIds ?? []), now.commitIds.at(-1)].slice(-50);
    if (chain.join() !== now.commitIds.join()) {
      this.problems.push(`I4: the checkpoint of ${by} does not follow from the one before`);
    }
    if (before !== null && by !== rewinder) {
      this.#requireForward(before, now, by);
    }
    this.#requireInFiles(before, now, by);
  }

  #requireForward(before: Checkpoint, now: Checkpoint, by: string): void {
    const shrunk = before.coverage.flatMap((window) => gapsIn(window, now.coverage));
    if (shrunk.length > 0) {
      this.problems.push(`I15: ${by} removed coverage: ${JSON.stringify(shrunk)}`);
    }
    const watermarkMs = watermarkOf(now);
    if ((watermarkMs ?? 0) < (watermarkOf(before) ?? 0)) {
      this.problems.push(`the watermark fell by ${by} from ${watermarkOf(before)} to ${watermarkMs}`);
    }
  }

  /**
   * I2, I11: new coverage does not reach into the future, and its rows are in files unless they may have appeared late.
   */
  #requireInFiles(before: Checkpoint | null, now: Checkpoint, by: string): void {
    const { simulator, lateMs } = this.#audited;
    const begunAtMs = [...this.#begun].map(({ nowMs }) => nowMs);
    const added = now.coverage.flatMap((window) => gapsIn(window, before?.coverage ?? []));
    for (const { fromMs, toMs } of added) {
      const { executions, atMs } = simulator.truth(undefined, { fromMs, toMs });
      if (toMs > atMs) {
        this.problems.push(`I11: ${by} covered up to ${toMs}, now is ${atMs}`);
      }
      const missing = executions.filter(
        ({ id, startTimeMs }) =>
          startTimeMs < Math.min(atMs, ...begunAtMs) - lateMs && !this.#view.has(`${id}@${startTimeMs}`),
      );
      if (missing.length > 0) {
        const some = missing.slice(0, 3).map(({ id, startTimeMs }) => `${id}@${startTimeMs}`);
        this.problems.push(`I2: ${by} covered [${fromMs}, ${toMs}), ${missing.length} not in any file: ${some}`);
      }
    }
  }

  #addRows(rows: readonly Record<string, unknown>[]): void {
    this.rows += rows.length;
    addToView(this.#view, rows);
  }
}

/** The latest observation of each execution, by key. */
type View = Map<string, { observedAt: number; runId: string; shown: ShownExecution }>;

/** Returns, as text, how the data files of a warehouse differ from a view. */
export async function viewDifferences(
  files: Iterable<Uint8Array>,
  expected: readonly ShownExecution[],
): Promise<string[]> {
  const view: View = new Map();
  for (const bytes of files) {
    addToView(view, await hyparquetRows(bytes));
  }
  const differing = expected.filter(({ key, state }) => view.get(key)?.shown.state !== state);
  return view.size === expected.length && differing.length === 0
    ? []
    : [`I18: the files show ${view.size} executions instead of ${expected.length}; ${differing.length} differ`];
}

function addToView(view: View, rows: readonly Record<string, unknown>[]): void {
  for (const row of rows) {
    const startTimeMs = timeOf(row['start_time']) ?? 0;
    const key = `${row['id']}@${startTimeMs}`;
    const observedAt = timeOf(row['observed_at']) ?? 0;
    const runId = String(row['run_id']);
    const known = view.get(key);
    const isLater =
      known === undefined || observedAt > known.observedAt || (observedAt === known.observedAt && runId > known.runId);
    if (isLater) {
      view.set(key, { observedAt, runId, shown: shownOf(key, startTimeMs, row) });
    }
  }
}

function shownOf(key: string, startTimeMs: number, row: Record<string, unknown>): ShownExecution {
  const { name, task_id: taskId, task_type: taskType, run_status: runStatus, notify_status: notifyStatus } = row;
  const end = timeOf(row['end_time']) ?? 0;
  const state = [name, taskId, taskType, runStatus, notifyStatus ?? 'null', end].join(' | ');
  return { key, startTimeMs, state, times: 1 };
}

function timeOf(value: unknown): number | null {
  return value instanceof Date ? value.getTime() : null;
}
