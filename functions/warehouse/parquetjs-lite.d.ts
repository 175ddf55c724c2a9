/**
 * The parts of parquetjs-lite 0.8.7 that are used. The package has no types. Only its writer is loaded, because the
 * package entry would load the reader too.
 */

declare module 'parquetjs-lite/lib/schema.js' {
  export interface FieldDefinition {
    readonly type: 'INT64' | 'UTF8' | 'TIMESTAMP_MILLIS' | 'BOOLEAN';
    readonly optional: boolean;
    readonly compression: 'GZIP';
    /** False: the writer computes no statistics. */
    readonly statistics: false;
  }
  export class ParquetSchema {
    constructor(fields: Readonly<Record<string, FieldDefinition>>);
  }
}

declare module 'parquetjs-lite/lib/writer.js' {
  import type { RowGroup } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
  import type { ParquetSchema } from 'parquetjs-lite/lib/schema.js';

  export class ParquetEnvelopeWriter {
    constructor(
      schema: ParquetSchema,
      write: (bytes: Buffer) => unknown,
      close: () => unknown,
      fileOffset: number,
      options: { readonly pageIndex: false },
    );
    /** Bytes written so far. */
    readonly offset: number;
    /** Rows written so far, for the footer. */
    rowCount: number;
    /** Entries of the footer for the row groups written so far. */
    readonly rowGroups: RowGroup[];
    writeHeader(): unknown;
    writeSection(bytes: Buffer): unknown;
    writeFooter(userMetadata: Readonly<Record<string, string>>): unknown;
  }
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

  export class DictionaryPageHeader {
    constructor(fields: { readonly num_values: number; readonly encoding: number });
  }

  export class PageHeader {
    constructor(fields: {
      readonly type: number;
      readonly uncompressed_page_size: number;
      readonly compressed_page_size: number;
      readonly data_page_header?: DataPageHeader;
      readonly dictionary_page_header?: DictionaryPageHeader;
    });
  }

  export class PageEncodingStats {
    constructor(fields: { readonly page_type: number; readonly encoding: number; readonly count: number });
  }

  export class ColumnMetaData {
    constructor(fields: {
      readonly type: number;
      readonly encodings: readonly number[];
      readonly path_in_schema: readonly string[];
      readonly codec: number;
      /** Rows, including nulls. */
      readonly num_values: number;
      /** Bytes of all pages before compression, including headers. */
      readonly total_uncompressed_size: number;
      /** Bytes of all pages in the file, including headers. */
      readonly total_compressed_size: number;
      readonly data_page_offset: number;
      readonly dictionary_page_offset?: number;
      readonly statistics?: Statistics;
      readonly encoding_stats?: readonly PageEncodingStats[];
    });
    readonly total_uncompressed_size: number;
  }

  export class ColumnChunk {
    constructor(fields: { readonly file_offset: number; readonly meta_data: ColumnMetaData });
  }

  export class RowGroup {
    constructor(fields: {
      readonly columns: readonly ColumnChunk[];
      /** Bytes of all pages before compression. */
      readonly total_byte_size: number;
      readonly num_rows: number;
    });
  }

  /** Min, max and null count of a column chunk for the footer. Values are PLAIN encoded. */
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
