/**
 * The only place that builds and parses object keys.
 *
 * ```
 * quality_instance_observations/workspace=<id>/dt=<YYYY-MM-DD>/<run id>-<part>.parquet
 * quality_task_observations/…, quality_rule_results/…: the same below
 * quarantine/<target>/<YYYY-MM-DD>/<run id>.jsonl
 * state/<target>/checkpoint.json
 * state/<target>/runs.json
 * state/<target>/audit.json
 * state/<target>/last-outcomes.json
 * state/<target>/results.json
 * state/<target>/tasks.json
 * state/.doctor/probe.json
 * report/index.html
 * ```
 *
 * Keys are relative to the warehouse. A name that would change the shape of a path is refused, never escaped. config.ts
 * refuses such names too, so one here is a defect.
 */
import { InternalError } from '../errors.ts';

/** Name of the table, and of the folder with its data files. */
export const tableName = 'quality_instance_observations';

/** Name of the view with the latest observation of each execution. */
export const viewName = 'quality_instances';

/** Names of the tables beside it, and of the folders with their data files. */
export const taskTableName = 'quality_task_observations';
export const resultTableName = 'quality_rule_results';

/** The start of the key of every data file of the observations. */
export const dataPrefix = `${tableName}/`;
/** The starts of the keys of the data files of all tables. */
export const dataPrefixes: readonly string[] = [tableName, taskTableName, resultTableName].map((name) => `${name}/`);
/** The start of every quarantine file's key. */
export const quarantinePrefix = 'quarantine/';
/** The start of the keys of checkpoints and the documents beside them. */
export const statePrefix = 'state/';
/** The starts of all keys that runs write. */
export const rootPrefixes: readonly string[] = [...dataPrefixes, quarantinePrefix, statePrefix];

/** Key of the published report. */
export const reportKey = 'report/index.html';

/** The tag of objects that a compaction has replaced. The bucket's lifecycle rule expires what carries it. */
export const replacedTag = { key: 'dqsync', value: 'replaced' } as const;

/** The parts of a data file's key. */
export interface DataKeyParts {
  readonly workspace: string;
  /** Day of `start_time`, `YYYY-MM-DD`. */
  readonly dt: string;
  readonly runId: string;
  /** Number of the file within its run, from 0. */
  readonly part: number;
}

const namePattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const dayPattern = /^\d{4}-\d{2}-\d{2}$/;
const dataKeyPattern =
  /^([a-z_]+)\/workspace=([A-Za-z0-9_-][A-Za-z0-9._-]*)\/dt=(\d{4}-\d{2}-\d{2})\/([A-Za-z0-9_-][A-Za-z0-9._-]*)-(0|[1-9]\d*)\.parquet$/;

/**
 * Returns the key of a data file.
 *
 * @throws InternalError if a part would change the shape of the path
 */
export function dataKey(parts: DataKeyParts, table: string = tableName): string {
  if (!Number.isSafeInteger(parts.part) || parts.part < 0) {
    throw unsafe('part', String(parts.part), 'an integer from 0');
  }
  return `${table}/workspace=${safeName('workspace', parts.workspace)}/dt=${safeDay(parts.dt)}/${safeName('run id', parts.runId)}-${parts.part}.parquet`;
}

/** The parts of the key of a table's data file; null for any other key. The inverse of `dataKey`. */
export function parseDataKey(key: string, table: string = tableName): DataKeyParts | null {
  const match = dataKeyPattern.exec(key);
  if (match === null || match[1] !== table) {
    return null;
  }
  const [, , workspace, dt, runId, part] = match;
  if (workspace === undefined || dt === undefined || runId === undefined || part === undefined) {
    return null;
  }
  return { workspace, dt, runId, part: Number(part) };
}

/** The parts of a partition's keys. */
export interface PartitionParts {
  readonly workspace: string;
  /** Day of `start_time`, `YYYY-MM-DD`. */
  readonly dt: string;
}

/** A partition of one of the tables. */
export interface TablePartition extends PartitionParts {
  readonly table: string;
}

/**
 * Returns the start of the keys of a partition's data files, which ends in `/`.
 *
 * @throws InternalError if a part would change the shape of the path
 */
export function partitionPrefix({ table, workspace, dt }: TablePartition): string {
  return `${table}/workspace=${safeName('workspace', workspace)}/dt=${safeDay(dt)}/`;
}

const partitionPattern = /^([a-z_]+)\/workspace=([A-Za-z0-9_-][A-Za-z0-9._-]*)\/dt=(\d{4}-\d{2}-\d{2})\/$/;

/** Parses the start of a partition's keys; null for any other prefix. The inverse of `partitionPrefix`. */
export function parsePartitionPrefix(prefix: string): TablePartition | null {
  const [, table, workspace, dt] = partitionPattern.exec(prefix) ?? [];
  return table === undefined || workspace === undefined || dt === undefined ? null : { table, workspace, dt };
}

/**
 * Returns the key of the file with the rows that one run of a target could not read.
 *
 * @param day `YYYY-MM-DD`, the day of the run
 * @throws InternalError if a part would change the shape of the path
 */
export function quarantineKey(targetName: string, day: string, runId: string): string {
  return `${quarantinePrefixOf(targetName)}${safeDay(day)}/${safeName('run id', runId)}.jsonl`;
}

/**
 * Returns the start of the keys of one target's quarantine files.
 *
 * @throws InternalError if the name would change the shape of the path
 */
export function quarantinePrefixOf(targetName: string): string {
  return `${quarantinePrefix}${safeName('target name', targetName)}/`;
}

/**
 * Returns the key of a target's checkpoint.
 *
 * @throws InternalError if the name would change the shape of the path
 */
export function checkpointKey(targetName: string): string {
  return `${statePrefix}${safeName('target name', targetName)}/checkpoint.json`;
}

/**
 * Key of the last outcome of each task of a target.
 *
 * @throws InternalError when the name would change the path's shape
 */
export function outcomesKey(targetName: string): string {
  return `${statePrefix}${safeName('target name', targetName)}/last-outcomes.json`;
}

/** Key of what a target's audits found. @throws InternalError when the name would change the path's shape */
export function auditKey(targetName: string): string {
  return `${statePrefix}${safeName('target name', targetName)}/audit.json`;
}

/**
 * Returns the key of the document with the executions of a target whose rule results are still to be fetched.
 *
 * @throws InternalError if the name would change the shape of the path
 */
export function resultsKey(targetName: string): string {
  return `${statePrefix}${safeName('target name', targetName)}/results.json`;
}

/**
 * Returns the key of the document with what is known of the tasks of a target.
 *
 * @throws InternalError if the name would change the shape of the path
 */
export function tasksKey(targetName: string): string {
  return `${statePrefix}${safeName('target name', targetName)}/tasks.json`;
}

/**
 * Returns the key of the document with a target's last runs.
 *
 * @throws InternalError if the name would change the shape of the path
 */
export function runsKey(targetName: string): string {
  return `${statePrefix}${safeName('target name', targetName)}/runs.json`;
}

/**
 * Key of the object with which `doctor` and a first run test whether they may write. It is beside the checkpoints,
 * because the same permission covers both. No target name starts with a dot, so it is never a checkpoint.
 */
export const probeKey = `${statePrefix}.doctor/probe.json`;

/**
 * Refuses a key that a store must not touch: with an empty, `.` or `..` part, a backslash or a control character.
 *
 * @throws InternalError naming the key
 */
export function assertSafeKey(key: string): void {
  const parts = key.split('/');
  const safe = parts.every((part) => part !== '' && part !== '.' && part !== '..' && !hasControlOrBackslash(part));
  if (!safe) {
    throw unsafe('key', key, 'parts between "/" that are not empty, "." or "..", without backslash');
  }
}

/**
 * Returns whether a listing skips a key because a part below the prefix starts with a dot. Probes, locks and temporary
 * files have such names, and readers of the table (Athena, Spark, DuckDB's globs) skip them too.
 */
export function isHidden(key: string): boolean {
  return key.startsWith('.') || key.includes('/.');
}

function hasControlOrBackslash(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f || code === 0x5c) {
      return true;
    }
  }
  return false;
}

function safeName(what: string, value: string): string {
  if (!namePattern.test(value)) {
    throw unsafe(what, value, 'letters, digits, ".", "_" or "-", not starting with "."');
  }
  return value;
}

function safeDay(value: string): string {
  if (!dayPattern.test(value)) {
    throw unsafe('day', value, 'YYYY-MM-DD');
  }
  return value;
}

function unsafe(what: string, value: string, allowed: string): InternalError {
  return new InternalError(`${what} ${JSON.stringify(value)} cannot be part of an object key; allowed: ${allowed}`);
}
