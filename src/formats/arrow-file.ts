// The Arrow IPC file of a shard: columns to bytes and back. Columns go in as flat typed
// arrays and come out as views of the bytes; nothing is copied on the way out, and no builder or accessor is in the way.
import {
  type Data,
  Field,
  Int32,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  tableFromIPC,
  Uint16,
  Utf8,
} from "./arrow.js";
import type { TokenType } from "./manifest.js";

export type TokenArray = Uint16Array | Int32Array;

/** Rows of UTF-8: row i is bytes[offsets[i] .. offsets[i + 1]). */
export interface TextColumn {
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
}

/** One record batch. */
export interface ShardColumns {
  readonly numDocuments: number;
  readonly docId: TextColumn;
  readonly source: TextColumn;
  /** All rows' tokens, one after the other; row i is values[offsets[i] .. offsets[i + 1]). */
  readonly values: TokenArray;
  readonly offsets: Int32Array;
}

type Columns = { doc_id: Utf8; source: Utf8; tokens: List<Uint16 | Int32> };

function schemaOf(tokenType: TokenType, metadata: ReadonlyMap<string, string>): Schema<Columns> {
  const item = new Field<Uint16 | Int32>("item", tokenType === "uint16" ? new Uint16() : new Int32(), false);
  const fields = [
    new Field("doc_id", new Utf8(), false),
    new Field("source", new Utf8(), false),
    new Field("tokens", new List(item), false),
  ];
  return new Schema<Columns>(fields as Schema<Columns>["fields"], new Map(metadata));
}

function batchOf(schema: Schema<Columns>, tokenType: TokenType, columns: ShardColumns): RecordBatch<Columns> {
  const { numDocuments: length, docId, source, values, offsets } = columns;
  const text = ({ bytes, offsets: valueOffsets }: TextColumn): Data<Utf8> =>
    makeData({ type: new Utf8(), length, nullCount: 0, valueOffsets, data: bytes });
  const type = tokenType === "uint16" ? new Uint16() : new Int32();
  const child = makeData({ type: type as Uint16, length: values.length, nullCount: 0, data: values as Uint16Array });
  const [, , tokens] = schema.fields;
  const list = makeData({ type: tokens!.type as List<Uint16>, length, nullCount: 0, valueOffsets: offsets, child });
  const struct = new Struct<Columns>(schema.fields);
  const data = makeData({ type: struct, length, nullCount: 0, children: [text(docId), text(source), list] });
  return new RecordBatch(schema, data);
}

/** The file's bytes: the same columns give the same bytes. */
export function encodeArrowFile(
  tokenType: TokenType,
  metadata: ReadonlyMap<string, string>,
  batches: readonly ShardColumns[],
): Uint8Array {
  const schema = schemaOf(tokenType, metadata);
  const writer = new RecordBatchFileWriter<Columns>();
  writer.reset(undefined, schema);
  for (const columns of batches) writer.write(batchOf(schema, tokenType, columns));
  writer.finish();
  return writer.toUint8Array(true);
}

export interface ArrowFile {
  readonly metadata: ReadonlyMap<string, string>;
  /** Those with rows; views of the bytes given. */
  readonly batches: readonly ShardColumns[];
}

/** Throws an Error that says what is missing when the bytes are no Arrow file with a shard's columns. */
export function decodeArrowFile(bytes: Uint8Array, tokenType: TokenType): ArrowFile {
  const table = tableFromIPC<Columns>(bytes);
  // A file without batches still yields one, empty.
  const batches = table.batches.filter((batch) => batch.numRows > 0).map((batch) => columnsOf(batch, tokenType));
  return { metadata: table.schema.metadata, batches };
}

function columnsOf(batch: RecordBatch<Columns>, tokenType: TokenType): ShardColumns {
  const docId = batch.getChild("doc_id")?.data[0];
  const source = batch.getChild("source")?.data[0];
  const tokens = batch.getChild("tokens")?.data[0];
  const values = tokens?.children[0]?.values;
  if (
    docId === undefined ||
    source === undefined ||
    tokens === undefined ||
    !(values instanceof (tokenType === "uint16" ? Uint16Array : Int32Array))
  ) {
    throw new Error(
      `not the columns doc_id, source and tokens (list<${tokenType}>), but ${batch.schema.fields.join(", ")}`,
    );
  }
  const numDocuments = batch.numRows;
  const text = ({ values: bytes, valueOffsets }: Data<Utf8>): TextColumn => {
    checkOffsets(valueOffsets, numDocuments, bytes.length);
    return { bytes, offsets: valueOffsets };
  };
  const end = checkOffsets(tokens.valueOffsets, numDocuments, values.length);
  return {
    numDocuments,
    docId: text(docId),
    source: text(source),
    values: values.subarray(0, end),
    offsets: tokens.valueOffsets,
  };
}

/** Offsets that go from 0 upwards and stay inside; returns the last. */
function checkOffsets(offsets: Int32Array, rows: number, length: number): number {
  let before = 0;
  for (let row = 0; row <= rows; row++) {
    const offset = offsets[row]!;
    if (offset < before || offset > length || (row === 0 && offset !== 0)) {
      throw new Error(`offset ${offset} of row ${row}, after ${before} and with ${length} values`);
    }
    before = offset;
  }
  return before;
}
