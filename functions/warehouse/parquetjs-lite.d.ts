/**
 * The parts of parquetjs-lite 0.8.7 that the Parquet writing uses. It ships no types. Only its writer is loaded: its
 * package entry would load the reader too.
 */

declare module 'parquetjs-lite/lib/schema.js' {
  export interface FieldDefinition {
    readonly type: 'INT64' | 'UTF8' | 'TIMESTAMP_MILLIS';
    readonly optional: boolean;
    readonly compression: 'GZIP';
    /** False: the writer computes none. */
    readonly statistics: false;
  }
  export class ParquetSchema {
    constructor(fields: Readonly<Record<string, FieldDefinition>>);
  }
}

declare module 'parquetjs-lite/lib/writer.js' {
  import type { Statistics } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
  import type { ParquetSchema } from 'parquetjs-lite/lib/schema.js';

  /** A page as `encodePages` of lib/writer.js makes them. */
  export interface EncodedPage {
    /** Header and body. */
    readonly page: Buffer;
    /** Rows, nulls included. */
    readonly num_values: number;
  }

  /** A row group whose pages are encoded. */
  export interface RowGroupPages {
    readonly rowCount: number;
    /** By column name. */
    readonly pages: Readonly<Record<string, readonly EncodedPage[]>>;
  }

  export interface ColumnChunk {
    readonly meta_data: { statistics: Statistics | null };
  }

  export class ParquetEnvelopeWriter {
    constructor(
      schema: ParquetSchema,
      write: (bytes: Buffer) => unknown,
      close: () => unknown,
      fileOffset: number,
      options: { readonly pageIndex: false },
    );
    /** What the footer will say of the row groups written so far. */
    readonly rowGroups: readonly { readonly columns: readonly ColumnChunk[] }[];
    writeHeader(): unknown;
    writeRowGroup(rows: RowGroupPages): unknown;
    writeFooter(userMetadata: Readonly<Record<string, string>>): unknown;
  }
}

declare module 'parquetjs-lite/lib/codec/rle.js' {
  /** RLE / bit-packing hybrid, behind its length in 4 bytes, as pages of version 1 have it. */
  export function encodeValues(type: 'INT32', values: Uint8Array, options: { readonly bitWidth: number }): Buffer;
}

declare module 'parquetjs-lite/lib/util.js' {
  import type { PageHeader } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
  /** Thrift's compact protocol. */
  export function serializeThrift(structure: PageHeader): Buffer;
}

declare module 'parquetjs-lite/gen-nodejs/parquet_types.js' {
  export class DataPageHeader {
    constructor(fields: {
      readonly num_values: number;
      readonly encoding: number;
      readonly definition_level_encoding: number;
      readonly repetition_level_encoding: number;
    });
  }

  export class PageHeader {
    constructor(fields: {
      readonly type: number;
      readonly uncompressed_page_size: number;
      readonly compressed_page_size: number;
      readonly data_page_header: DataPageHeader;
    });
  }

  /** Min, max and null count of a column chunk, as the footer holds them. Values are PLAIN encoded. */
  export class Statistics {
    constructor(fields: {
      readonly null_count: number;
      readonly min_value?: Buffer;
      readonly max_value?: Buffer;
      readonly min?: Buffer;
      readonly max?: Buffer;
    });
  }
}
