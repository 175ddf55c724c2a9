/**
 * Where things lie in a warehouse: the only place that builds and parses object keys.
 *
 * ```
 * quality_instance_observations/workspace=<id>/dt=<YYYY-MM-DD>/<run id>-<part>.parquet
 * quarantine/<target>/<YYYY-MM-DD>/<run id>.jsonl
 * state/<target>/checkpoint.json
 * state/<target>/runs.json
 * state/<target>/audit.json
 * state/.doctor/probe.json
 * ```
 *
 * Keys are relative to the warehouse. A name that would change the path's shape is refused, never escaped: config.ts
 * lets no such name through, so meeting one here is a defect.
 */
import { InternalError } from '../errors.ts';

/** Name of the table, and of the folder with its data files. */
export const tableName = 'quality_instance_observations';

/** Name of the view with the latest observation of each execution. */
export const viewName = 'quality_instances';

/** What every data file's key starts with. */
export const dataPrefix = `${tableName}/`;
/** What every quarantine file's key starts with. */
export const quarantinePrefix = 'quarantine/';
/** What the keys of checkpoints, and of what lies beside them, start with. */
export const statePrefix = 'state/';

/** The parts of a data file's key. */
export interface DataKeyParts {
  readonly workspace: string;
  /** Day of `start_time`, `YYYY-MM-DD`. */
  readonly dt: string;
  readonly runId: string;
  /** Numbers the files of one run, from 0. */
  readonly part: number;
}

const namePattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const dayPattern = /^\d{4}-\d{2}-\d{2}$/;
const dataKeyPattern =
  /^([a-z_]+)\/workspace=([A-Za-z0-9_-][A-Za-z0-9._-]*)\/dt=(\d{4}-\d{2}-\d{2})\/([A-Za-z0-9_-][A-Za-z0-9._-]*)-(0|[1-9]\d*)\.parquet$/;

/**
 * Key of a data file.
 *
 * @throws InternalError when a part would change the path's shape
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

/** What the keys of a partition's data files have in common. */
export interface PartitionParts {
  readonly workspace: string;
  /** Day of `start_time`, `YYYY-MM-DD`. */
  readonly dt: string;
}

/**
 * Returns what the keys of a partition's data files start with; ends in `/`.
 *
 * @throws InternalError when a part would change the path's shape
 */
export function partitionPrefix({ workspace, dt }: PartitionParts): string {
  return `${dataPrefix}workspace=${safeName('workspace', workspace)}/dt=${safeDay(dt)}/`;
}

const partitionPattern =
  /^quality_instance_observations\/workspace=([A-Za-z0-9_-][A-Za-z0-9._-]*)\/dt=(\d{4}-\d{2}-\d{2})\/$/;

/** Returns the partition whose data files start with `prefix`; null for any other prefix. The inverse of `partitionPrefix`. */
export function parsePartitionPrefix(prefix: string): PartitionParts | null {
  const [, workspace, dt] = partitionPattern.exec(prefix) ?? [];
  return workspace === undefined || dt === undefined ? null : { workspace, dt };
}

/**
 * Key of the file with the rows that one run of one target could not read.
 *
 * @param day `YYYY-MM-DD`, the day of the run
 * @throws InternalError when a part would change the path's shape
 */
export function quarantineKey(targetName: string, day: string, runId: string): string {
  return `${quarantinePrefixOf(targetName)}${safeDay(day)}/${safeName('run id', runId)}.jsonl`;
}

/**
 * What the keys of one target's quarantine files start with.
 *
 * @throws InternalError when the name would change the path's shape
 */
export function quarantinePrefixOf(targetName: string): string {
  return `${quarantinePrefix}${safeName('target name', targetName)}/`;
}

/**
 * Key of a target's checkpoint.
 *
 * @throws InternalError when the name would change the path's shape
 */
export function checkpointKey(targetName: string): string {
  return `${statePrefix}${safeName('target name', targetName)}/checkpoint.json`;
}

/** Key of what a target's audits found. @throws InternalError when the name would change the path's shape */
export function auditKey(targetName: string): string {
  return `${statePrefix}${safeName('target name', targetName)}/audit.json`;
}

/**
 * Key of the document with a target's last runs.
 *
 * @throws InternalError when the name would change the path's shape
 */
export function runsKey(targetName: string): string {
  return `${statePrefix}${safeName('target name', targetName)}/runs.json`;
}

/**
 * Key of the one object that `doctor` writes to find out whether it may. Beside the checkpoints, because the same
 * permission covers both; no target's name starts with a dot, so it is nobody's checkpoint.
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
 * Whether a listing leaves a key out: a part below the prefix starts with a dot. Probes, locks and temporary files are so
 * named, and no reader of the table (Athena, Spark, DuckDB's own globs) looks at them.
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
  return new InternalError(`${what} ${JSON.stringify(value)} cannot be part of an object key, which takes ${allowed}`, {
    remedy: 'This is a defect of dqsync; please report it with this message.',
  });
}
