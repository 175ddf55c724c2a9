/** Errors of DuckDB, in the words of the person who has to fix them. Pure. */
import { ConfigError, StorageError } from '../errors.ts';
import { viewName } from '../warehouse/layout.ts';
import { viewColumns } from './view.ts';

/** Where the data files lie. */
export interface DataFolder {
  readonly folder: string;
  /** Whether they are copies of those in the warehouse. */
  readonly areCopies: boolean;
}

/** `Invalid Error` is what a Parquet file gives that is not one inside; wrong SQL gives `Invalid Input Error`. */
const storageKinds: ReadonlySet<string> = new Set(['IO', 'Invalid']);

/** Errors of the SQL, whose messages quote it: that a data file is named in them means nothing. */
const sqlKinds: ReadonlySet<string> = new Set(['Binder', 'Catalog', 'Parser', 'Permission', 'Syntax']);

/** Returns the error for the user. DuckDB's errors start with their kind: `Binder Error: …`, `IO Error: …`. */
export function translated(thrown: unknown, { folder, areCopies }: DataFolder): unknown {
  if (!(thrown instanceof Error) || thrown instanceof ConfigError || thrown instanceof StorageError) {
    return thrown;
  }
  // Its client puts words of its own before what DuckDB says of SQL that cannot be parsed.
  const message = thrown.message.replace(/^Failed to extract statements: /, '');
  const kind = /^([A-Z][A-Za-z ]*?) Error: /.exec(message)?.[1] ?? '';
  if (storageKinds.has(kind) || (!sqlKinds.has(kind) && message.includes(folder))) {
    return new StorageError(`DuckDB cannot read the data files: ${message}`, {
      remedy: areCopies
        ? `A copy of a data file is damaged or was changed: delete the folder ${folder}, and run again. If it happens again, the file is so in the warehouse: find out who touches that, and restore the file.`
        : 'A data file is damaged or was changed; find out who touches the warehouse, and restore the file.',
      cause: thrown,
    });
  }
  return new ConfigError(message, {
    remedy:
      kind === 'Out of Memory'
        ? 'Ask for fewer rows or days: add a WHERE on dt.'
        : `Fix the SQL. The dialect is DuckDB's; ${viewName} has the columns ${viewColumns.join(', ')}.`,
    cause: thrown,
  });
}
