/** A data file as it is read back: column by column, every value exact. */
import { gunzipSync } from 'node:zlib';
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { type DqsyncError, StorageError } from '../errors.ts';
import { withoutBackup } from '../warehouse/damaged-file.ts';
import { parseDataKey } from '../warehouse/layout.ts';
import type { ColumnKind, StoredColumn } from '../warehouse/table.ts';

/** A value of a data file. Ids, and times in epoch ms, are `bigint`. */
export type StoredValue = bigint | string | boolean | null;

/** Called with one value after the other, in the order of the rows. */
export type OnValue = (value: StoredValue, row: number) => void;

/** Key in the footer of a compacted file. Its value is the JSON list of the names of the files that it replaces. */
export const replacesKey = 'dqsync.replaces';

/** Types of the Parquet format, as hyparquet names them. */
const parquetTypes: Readonly<Record<ColumnKind, string>> = {
  int64: 'INT64',
  text: 'BYTE_ARRAY/UTF8',
  'timestamp-ms-utc': 'INT64/TIMESTAMP_MILLIS',
  boolean: 'BOOLEAN',
};

export class DataFile {
  readonly #key: string;
  readonly #file: AsyncBuffer;
  readonly #metadata: FileMetaData;

  private constructor(key: string, file: AsyncBuffer, metadata: FileMetaData) {
    this.#key = key;
    this.#file = file;
    this.#metadata = metadata;
  }

  /**
   * Opens a data file.
   *
   * @throws StorageError if it is not a Parquet file
   */
  static async open(key: string, bytes: Uint8Array): Promise<DataFile> {
    const file: AsyncBuffer = {
      byteLength: bytes.length,
      slice: (start, end) => Uint8Array.from(bytes.subarray(start, end)).buffer,
    };
    try {
      return new DataFile(key, file, await parquetMetadataAsync(file, { geoparquet: false }));
    } catch (cause) {
      throw damaged(key, cause);
    }
  }

  get rowCount(): number {
    return Number(this.#metadata.num_rows);
  }

  /** Names of the files that this one replaces; empty for one that a run wrote. */
  get replaces(): readonly string[] {
    const text = this.#metadata.key_value_metadata?.find(({ key }) => key === replacesKey)?.value;
    const names: unknown = text === undefined ? [] : JSON.parse(text);
    return Array.isArray(names) ? names.map(String) : [];
  }

  /**
   * Makes sure that the file has no other columns than these.
   *
   * @throws StorageError naming the first one that is unknown, or of another type
   */
  requireColumnsOf(columns: readonly StoredColumn[]): void {
    const types = new Map(columns.map(({ name, kind }) => [name, parquetTypes[kind]]));
    // The first element of the schema is the row itself.
    for (const { name, type, converted_type: converted } of this.#metadata.schema.slice(1)) {
      const found = converted === undefined ? type : `${type}/${converted}`;
      if (types.get(name) !== found) {
        throw new StorageError(
          `${this.#key} has a column ${name} of type ${found}, which this version does not write`,
          {
            remedy: 'A later version of dqsync wrote the file: compact with that version. Nothing was changed.',
          },
        );
      }
    }
  }

  /**
   * Reads one column. Rows of a file that does not have it are null.
   *
   * @throws StorageError if the file is damaged
   */
  async readColumn({ name }: StoredColumn, onValue: OnValue): Promise<void> {
    if (!this.#metadata.schema.some((element) => element.name === name)) {
      for (let row = 0; row < this.rowCount; row += 1) {
        onValue(null, row);
      }
      return;
    }
    let rowStart = 0;
    // One row group after the other: hyparquet would decode all of them together.
    for (const group of this.#metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      await this.#readChunk(name, { rowStart, rowEnd }, onValue);
      rowStart = rowEnd;
    }
    if (rowStart !== this.rowCount) {
      throw damaged(this.#key, new Error(`its row groups have ${rowStart} rows, but its footer says ${this.rowCount}`));
    }
  }

  async #readChunk(
    name: string,
    range: { readonly rowStart: number; readonly rowEnd: number },
    onValue: OnValue,
  ): Promise<void> {
    let row = range.rowStart;
    try {
      await parquetRead({
        file: this.#file,
        metadata: this.#metadata,
        columns: [name],
        ...range,
        geoparquet: false,
        compressors: { GZIP: (input) => gunzipSync(input) },
        parsers: { timestampFromMilliseconds: (exact: bigint) => exact, stringFromBytes },
        onChunk: ({ columnData }) => {
          // By index: an iterator would create an object for each value.
          for (let index = 0; index < columnData.length; index += 1) {
            onValue(columnData[index] ?? null, row);
            row += 1;
          }
        },
      });
    } catch (cause) {
      throw damaged(this.#key, cause);
    }
    if (row !== range.rowEnd) {
      throw damaged(this.#key, new Error(`column ${name} ends at row ${row} instead of ${range.rowEnd}`));
    }
  }
}

/** hyparquet's own way drops a byte order mark. */
function stringFromBytes(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function damaged(key: string, cause: unknown): DqsyncError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const file = parseDataKey(key);
  return new StorageError(`${key} cannot be read as Parquet: ${why}`, {
    remedy: `The files of that day are unchanged. Restore this one from a backup, and find out what changed it.${file === null ? '' : ` ${withoutBackup(file)}`}`,
    cause,
  });
}
