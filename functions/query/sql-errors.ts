/** Explains DuckDB's errors to the person who must fix them. Pure. */
import { ConfigError, StorageError } from '../errors.ts';
import { allViews } from './further-views.ts';
import type { DataFiles } from './local-copies.ts';
import { instanceView } from './view.ts';

/** A file that is not valid Parquet causes an `Invalid Error`, wrong SQL an `Invalid Input Error`. */
const storageKinds: ReadonlySet<string> = new Set(['IO', 'Invalid']);

/** Errors of the SQL. Their messages quote it, so a data file in the message means nothing. */
const sqlKinds: ReadonlySet<string> = new Set(['Binder', 'Catalog', 'Parser', 'Permission', 'Syntax']);

/** Returns the error for the user. DuckDB's errors start with their kind: `Binder Error: …`, `IO Error: …`. */
export function translated(thrown: unknown, { folder, areCopies }: Pick<DataFiles, 'folder' | 'areCopies'>): unknown {
  if (!(thrown instanceof Error) || thrown instanceof ConfigError || thrown instanceof StorageError) {
    return thrown;
  }
  // DuckDB's client puts a prefix before errors of the parser.
  const message = thrown.message
    .replace(/^Failed to extract statements: /, '')
    // Messages are shown as one paragraph, in which the caret below the quoted line points nowhere.
    .replace(/\s+LINE (\d+): ([^\n]*)\n\s*\^\s*$/, ' (line $1: $2)');
  const kind = /^([A-Z][A-Za-z ]*?) Error: /.exec(message)?.[1] ?? '';
  if (storageKinds.has(kind) || (!sqlKinds.has(kind) && message.includes(folder))) {
    return new StorageError(`DuckDB cannot read the data files: ${message}`, {
      remedy: areCopies
        ? `A copy of a data file is damaged: delete the folder ${folder}, then run again. If this persists, the file in the warehouse is damaged: restore it, and find out what changed it.`
        : 'A data file is damaged: restore it, and find out what changed it.',
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

/** Describes the view that a message names, or that of the executions, and names the others. */
function describeViews(message: string): string {
  const shown = allViews.find(({ name }) => message.includes(name)) ?? instanceView;
  const others = allViews.filter((view) => view !== shown).map(({ name }) => name);
  const columns = shown.columns.map(({ name }) => name);
  return `${shown.name} has the columns ${columns.join(', ')}. The other views are ${others.join(', ')}.`;
}
