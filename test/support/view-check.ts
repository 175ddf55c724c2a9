/**
 * Compares the table with the source, by SQL and comparisons that share no code with the product.
 *
 * The soak uses this file too, so it does not depend on a test framework: differences are returned, not thrown.
 */
import { join } from 'node:path';
import type { Simulator } from '../simulator/server.ts';
import { duckdb } from './referee.ts';

/** One execution in the table. */
export interface ShownExecution {
  /** `<id>@<start time, epoch ms>`. */
  readonly key: string;
  readonly startTimeMs: number;
  /** All columns of its state, joined to one text. */
  readonly state: string;
  /** How often the view shows it; expected to be 1. */
  readonly times: number;
}

/** Differences between a table and the source. All lists are empty if there are none. */
export interface Differences {
  /** Missing in the view, though the source lists them or the table showed them before. */
  readonly lost: readonly string[];
  /** Shown in a state other than the source's. */
  readonly wrong: readonly string[];
  readonly shownTwice: readonly string[];
  /** Shown, but never in the source. */
  readonly invented: readonly string[];
}

/** The expected differences. */
export const noDifferences: Differences = { lost: [], wrong: [], shownTwice: [], invented: [] };

/** Reads the view. Throws if a data file cannot be read. */
export async function readTable(warehouseFolder: string): Promise<ShownExecution[]> {
  const files = join(warehouseFolder, 'quality_instance_observations', '**', '*.parquet');
  const rows = await duckdb(`WITH files AS (
      SELECT * REPLACE (epoch_ms(start_time) AS start_time, epoch_ms(end_time) AS end_time)
      FROM read_parquet('${files}', hive_partitioning = true, hive_types = {'workspace': VARCHAR, 'dt': VARCHAR})),
    view AS (SELECT * FROM (SELECT *, row_number() OVER (
        PARTITION BY workspace, dt, project_id, id, start_time ORDER BY observed_at DESC, run_id DESC) AS n FROM files)
      WHERE n = 1)
    SELECT concat(id, '@', start_time) AS key, any_value(start_time) AS start_time, count(*) AS times,
      any_value(concat_ws(' | ', name, task_id, task_type, run_status, coalesce(notify_status, 'null'), coalesce(end_time, 0))) AS state
    FROM view GROUP BY id, start_time`);
  return rows.map((row) => ({
    key: String(row['key']),
    startTimeMs: Number(row['start_time']),
    state: String(row['state']),
    times: Number(row['times']),
  }));
}

/**
 * Compares the table with the source as it is now.
 *
 * @param committed keys that the table has shown once, which must not disappear
 */
export function compareWithTruth(
  simulator: Simulator,
  shown: readonly ShownExecution[],
  committed: ReadonlySet<string> = new Set(),
): Differences {
  const { executions, vanished, atMs } = simulator.truth();
  const byKey = new Map(shown.map((one) => [one.key, one]));
  const listed = new Map(
    executions
      .filter(({ startTimeMs }) => startTimeMs < atMs)
      .map((one) => [
        `${one.id}@${one.startTimeMs}`,
        [one.name, one.taskId, one.taskType, one.runStatus, one.notifyStatus, one.endTimeMs ?? 0].join(' | '),
      ]),
  );
  const gone = new Set(vanished.map((one) => `${one.id}@${one.startTimeMs}`));
  const mustShow = new Set([...listed.keys(), ...committed]);
  return {
    lost: [...mustShow].filter((key) => !byKey.has(key)),
    wrong: [...listed].flatMap(([key, state]) => {
      const found = byKey.get(key)?.state ?? state;
      return found === state ? [] : [`${key}: ${found} instead of ${state}`];
    }),
    shownTwice: shown.filter(({ times }) => times !== 1).map(({ key }) => key),
    invented: shown.map(({ key }) => key).filter((key) => !listed.has(key) && !gone.has(key)),
  };
}
