/**
 * The only place that builds and parses object keys. PROTOCOL.md lists those of runs ("Objects").
 *
 * Keys are relative to the warehouse. A name that would change the shape of a path is refused, never escaped. config.ts
 * refuses such names too, so one here is a defect.
 */
import { createHash } from 'node:crypto';
import { InternalError } from '../errors.ts';

/** Name of the table, and of the folder with its data files. */
export const tableName = 'quality_instance_observations';

/** Name of the view with the latest observation of each execution. */
export const viewName = 'quality_instances';

/** Names of the tables beside it, and of the folders with their data files. */
export const taskTableName = 'quality_task_observations';
export const resultTableName = 'quality_rule_results';

/** The starts of the keys of the data files of all tables. */
export const dataPrefixes: readonly string[] = [tableName, taskTableName, resultTableName].map((name) => `${name}/`);
/** The start of every quarantine file's key. */
export const quarantinePrefix = 'quarantine/';
/** The start of the keys of checkpoints and the documents beside them. */
export const statePrefix = 'state/';

export const reportKey = 'report/index.html';

/** The tag of objects that a compaction has replaced. The bucket's lifecycle rule expires what carries it. */
export const replacedTag = { key: 'dqsync', value: 'replaced' } as const;

/** The parts of the key of a run's data file. */
export interface DataKeyParts extends Omit<TablePartition, 'table'> {
  readonly runId: string;
  /** Number of the file within its run, from 0. */
  readonly part: number;
}

const aName = '[A-Za-z0-9_-][A-Za-z0-9._-]*';
const aDay = '\\d{4}-\\d{2}-\\d{2}';
const namePattern = new RegExp(`^${aName}$`);
const dayPattern = new RegExp(`^${aDay}$`);
const partitionPattern = new RegExp(`^([a-z_]+)/workspace=(${aName})/dt=(${aDay})/$`);
const dataFilePattern = new RegExp(`^${aName}-(0|[1-9]\\d*)\\.parquet$`);

/**
 * Returns the key of a data file.
 *
 * @throws InternalError if a part would change the shape of the path
 */
export function dataKey({ runId, part, ...partition }: DataKeyParts, table: string = tableName): string {
  if (!Number.isSafeInteger(part) || part < 0) {
    throw unsafe('part', String(part), 'an integer from 0');
  }
  return `${partitionPrefix({ table, ...partition })}${safeName('run id', runId)}-${part}.parquet`;
}

export interface TablePartition {
  readonly table: string;
  readonly workspace: string;
  /** Day of the table's partition time, `YYYY-MM-DD`. */
  readonly dt: string;
}

/**
 * Returns the start of the keys of a partition's data files, which ends in `/`.
 *
 * @throws InternalError if a part would change the shape of the path
 */
export function partitionPrefix({ table, workspace, dt }: TablePartition): string {
  return `${table}/workspace=${safeName('workspace', workspace)}/dt=${safeDay(dt)}/`;
}

/** Parses the start of a partition's keys; null for any other prefix. The inverse of `partitionPrefix`. */
export function parsePartitionPrefix(prefix: string): TablePartition | null {
  const [, table, workspace, dt] = partitionPattern.exec(prefix) ?? [];
  return table === undefined || workspace === undefined || dt === undefined ? null : { table, workspace, dt };
}

/** A data file that a run or a compaction wrote. */
export interface DataFileKey extends TablePartition {
  /** Start of the keys of its partition; ends in `/`. */
  readonly prefix: string;
  /** Its name in there. */
  readonly name: string;
}

/** Parses the key of a data file; null for any other key. */
export function parseDataKey(key: string): DataFileKey | null {
  const [, prefix = '', name = ''] = /^(.*\/)(.*)$/.exec(key) ?? [];
  const partition = parsePartitionPrefix(prefix);
  return partition === null || !dataFilePattern.test(name) ? null : { ...partition, prefix, name };
}

/**
 * Returns the key of the file that replaces some files of a day. It is derived from their names and rows. So a
 * compaction that is repeated, or run by two processes at the same time, writes the same file (PROTOCOL.md, I16).
 *
 * @param prefix start of the keys of the day's files; ends in `/`
 * @param names of the files that it replaces, sorted
 * @param latestRows number of rows at its start that are the latest of their execution in this file; 0 if its rows are
 * in another order
 */
export function compactedKey(prefix: string, names: readonly string[], latestRows: number): string {
  const hash = createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 32);
  return `${prefix}compact-${names.length}-${hash}-${latestRows}.parquet`;
}

const compactedPattern = /\/compact-\d+-[0-9a-f]{32}-(\d+)\.parquet$/;

/** Returns the `latestRows` of a compacted file, and null for any other file. */
export function latestRowsOf(key: string): number | null {
  const [, latestRows] = compactedPattern.exec(key) ?? [];
  return latestRows === undefined ? null : Number(latestRows);
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

/** Makes a function that returns the key of a document of a target, and throws InternalError for an unsafe name. */
function keyOfDocument(document: string): (targetName: string) => string {
  return (targetName) => `${statePrefix}${safeName('target name', targetName)}/${document}.json`;
}

export const checkpointKey = keyOfDocument('checkpoint');
/** Key of the last outcome of each task of a target. */
export const outcomesKey = keyOfDocument('last-outcomes');
/** Key of what a target's audits found. */
export const auditKey = keyOfDocument('audit');
/** Key of the executions of a target whose rule results are still to be fetched. */
export const resultsKey = keyOfDocument('results');
export const runsKey = keyOfDocument('runs');

/**
 * Returns the key of the document with the time zone of a workspace's days. No target name starts with a dot.
 *
 * @throws InternalError if the name would change the shape of the path
 */
export function timeZoneKey(workspace: string): string {
  return `${statePrefix}.time-zones/${safeName('workspace', workspace)}.json`;
}

/**
 * Returns the key of what is known of the tasks of a workspace, which its targets share.
 *
 * @throws InternalError if a name would change the shape of the path
 */
export function tasksKey({ workspace, projectId }: { readonly workspace: string; readonly projectId: string }): string {
  return `${statePrefix}.tasks/${safeName('workspace', workspace)}/${safeName('project id', projectId)}.json`;
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
  const safe = parts.every((part) => part !== '.' && part !== '..' && /^[^\p{Cc}\\]+$/u.test(part));
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
