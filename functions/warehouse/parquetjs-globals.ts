/**
 * Makes parquetjs-lite work in a bundle of ES modules. Import it before anything of parquetjs-lite.
 *
 * Its generated Thrift types (gen-nodejs/parquet_types.js) assign to undeclared names: `Statistics = …`. A bundle in ESM
 * format, as the Lambda's, is strict code, where that throws `ReferenceError: Statistics is not defined`. It does not
 * where the global property exists already. Without bundling, Node runs that file in sloppy mode, which makes the very
 * same globals.
 */
const generatedNames = [
  'Statistics',
  'StringType',
  'UUIDType',
  'MapType',
  'ListType',
  'EnumType',
  'DateType',
  'NullType',
  'DecimalType',
  'MilliSeconds',
  'MicroSeconds',
  'TimeUnit',
  'TimestampType',
  'TimeType',
  'IntType',
  'JsonType',
  'BsonType',
  'LogicalType',
  'SchemaElement',
  'DataPageHeader',
  'IndexPageHeader',
  'DictionaryPageHeader',
  'DataPageHeaderV2',
  'PageHeader',
  'KeyValue',
  'SortingColumn',
  'PageEncodingStats',
  'ColumnMetaData',
  'ColumnChunk',
  'RowGroup',
  'TypeDefinedOrder',
  'ColumnOrder',
  'PageLocation',
  'OffsetIndex',
  'ColumnIndex',
  'FileMetaData',
];

for (const name of generatedNames) {
  if (!Object.hasOwn(globalThis, name)) {
    Object.defineProperty(globalThis, name, { value: undefined, writable: true, configurable: true });
  }
}
