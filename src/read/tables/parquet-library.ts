// The door to hyparquet: the Thrift of footers and pages, and the encodings of values. What bytes are read, how values are put
// together to rows and what becomes of them is ours: the library's own reader holds whole column chunks, decodes texts with
// what is not UTF-8 replaced, and rounds decimals.
import { parquetMetadata, parquetSchema, type SchemaTree } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { decompressPage, readDataPage, readDataPageV2 } from "hyparquet/src/datapage.js";
import { readPlain } from "hyparquet/src/plain.js";
import type { ColumnDecoder } from "hyparquet/src/types.js";

export type { ColumnChunk, FileMetaData, PageHeader, RowGroup, SchemaElement, SchemaTree } from "hyparquet";
export { decompressPage, parquetHeader, readDataPage, readDataPageV2, readPlain };

/** `bytes` end with the footer, its length and the magic. */
export function parseFooter(bytes: Uint8Array): ReturnType<typeof parquetMetadata> {
  return parquetMetadata(bytes, { geoparquet: false });
}

export function schemaOf(metadata: ReturnType<typeof parquetMetadata>): SchemaTree {
  return parquetSchema(metadata);
}

export type { ColumnDecoder };
