/**
 * Makes parquetjs-lite work in a bundle of ES modules. Must be imported before any other file of parquetjs-lite.
 *
 * Its generated Thrift types (gen-nodejs/parquet_types.js) assign to undeclared names: `Statistics = …`. In an ESM
 * bundle such as the Lambda's, code is strict, and that throws `ReferenceError: Statistics is not defined`, unless the
 * global property exists already. Without bundling, Node runs the file in sloppy mode, which creates the same globals.
 */
const generatedNames = `
  Statistics StringType UUIDType MapType ListType EnumType DateType NullType DecimalType MilliSeconds MicroSeconds
  TimeUnit TimestampType TimeType IntType JsonType BsonType LogicalType SchemaElement DataPageHeader
  IndexPageHeader DictionaryPageHeader DataPageHeaderV2 PageHeader KeyValue SortingColumn PageEncodingStats
  ColumnMetaData ColumnChunk RowGroup TypeDefinedOrder ColumnOrder PageLocation OffsetIndex ColumnIndex
  FileMetaData
`;

for (const name of generatedNames.trim().split(/\s+/)) {
  if (!Object.hasOwn(globalThis, name)) {
    Object.defineProperty(globalThis, name, { value: undefined, writable: true, configurable: true });
  }
}
