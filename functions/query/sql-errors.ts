/** Explains DuckDB's errors to the person who must fix them. Pure. */
import { ConfigError, StorageError } from '../errors.ts';
import { withoutBackup } from '../warehouse/damaged-file.ts';
import { type DataFileKey, dataPrefixes, parseDataKey } from '../warehouse/layout.ts';
import { allViews } from './further-views.ts';
import type { DataFiles } from './local-copies.ts';
import { instanceView } from './view.ts';

/** A file that is not valid Parquet causes an `Invalid Error`, wrong SQL an `Invalid Input Error`. */
const storageKinds: ReadonlySet<string> = new Set(['IO', 'Invalid']);

/** Errors of the SQL. Their messages quote it, so a data file in the message means nothing. */
const sqlKinds: ReadonlySet<string> = new Set(['Binder', 'Catalog', 'Parser', 'Permission', 'Syntax']);

/** The end of a message that quotes a line of the SQL. */
const quotedLine = /\s+LINE (\d+): ([^\n]*)\n\s*\^\s*$/;

/** Returns the error for the user. DuckDB's errors start with their kind: `Binder Error: …`, `IO Error: …`. */
export function translated(thrown: unknown, files: Pick<DataFiles, 'folder' | 'areCopies'>): unknown {
  if (!(thrown instanceof Error) || thrown instanceof ConfigError || thrown instanceof StorageError) {
    return thrown;
  }
  // DuckDB's client puts a prefix before errors of the parser.
  const whole = thrown.message.replace(/^Failed to extract statements: /, '');
  // Messages are shown as one paragraph, in which the caret below the quoted line points nowhere.
  const message = whole.replace(quotedLine, ' (line $1: $2)');
  const kind = /^([A-Z][A-Za-z ]*?) Error: /.exec(message)?.[1] ?? '';
  if (storageKinds.has(kind) || (!sqlKinds.has(kind) && message.includes(files.folder))) {
    // The line is that of dqsync's own SQL, which the user cannot fix.
    const withoutLine = whole.replace(quotedLine, '');
    return new StorageError(`DuckDB cannot read the data files: ${withoutLine}`, {
      remedy: remedyFor(withoutLine, files),
      cause: thrown,
    });
  }
  return new ConfigError(message, {
    remedy:
      kind === 'Out of Memory'
        ? 'Select fewer rows or days: add a WHERE on dt.'
        : `Fix the SQL. The dialect is DuckDB's. ${describeViews(message)}`,
    cause: thrown,
  });
}

/** Returns what to do about a data file that cannot be read. */
function remedyFor(message: string, { folder, areCopies }: Parameters<typeof translated>[1]): string {
  if (message.includes('Cannot open file')) {
    // The file is not damaged. There are too many open files, for example, and moving it away would not help.
    return 'Make sure that this user can open the file, then run again.';
  }
  const file = dataFileIn(message);
  const without = file === null ? '' : ` ${withoutBackup(file)}`;
  if (areCopies) {
    const original = file === null ? 'the file' : `${file.prefix}${file.name}`;
    return `A copy of a data file is damaged: delete the folder ${folder}, then run again. If this persists, ${original} in the warehouse is damaged: restore an earlier version of it, and find out what changed it.${without}`;
  }
  return `${file === null ? 'A data file' : 'The file'} is damaged: restore it from a backup, and find out what changed it.${without}`;
}

/** Returns the data file that a message names; null if it names none. */
function dataFileIn(message: string): DataFileKey | null {
  const start = Math.max(...dataPrefixes.map((prefix) => message.lastIndexOf(prefix)));
  return parseDataKey(/^.*?\.parquet/.exec(message.slice(Math.max(start, 0)))?.[0] ?? '');
}

/** Describes the view that a message names, or that of the executions, and names the others. */
function describeViews(message: string): string {
  const shown = allViews.find(({ name }) => message.includes(name)) ?? instanceView;
  const others = allViews.filter((view) => view !== shown).map(({ name }) => name);
  const columns = shown.columns.map(({ name }) => name);
  return `${shown.name} has the columns ${columns.join(', ')}. The other views are ${others.join(', ')}.`;
}
