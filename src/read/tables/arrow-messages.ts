// The messages of an Arrow IPC file, one after the other, without their bodies: both forms hold the same ones, the file form
// between two magics and with a footer, which repeats where they are.

import type { StoredFile } from "../../base/storage/index.js";
import { Message } from "../../formats/arrow.js";
import { checkMessage } from "./arrow-flatbuffer.js";
import { damagedTable, unsupportedTable } from "./table-errors.js";

const MAGIC = "ARROW1";
/** The magic of the file form is padded. */
const FILE_HEAD_BYTES = 8;
const FEATHER_1_MAGIC = "FEA1";
/** Before the length of a message's metadata, since 0.15. */
const CONTINUATION = 0xffff_ffff;
const MAX_METADATA_BYTES = 2 ** 28;

export interface ArrowMessage {
  readonly holds:
    | { readonly kind: "schema"; readonly columns: readonly string[] }
    /** A delta adds to the dictionary of that id, others replace it. */
    | { readonly kind: "dictionary"; readonly id: number; readonly isDelta: boolean }
    | { readonly kind: "batch"; readonly numRows: number }
    | { readonly kind: "other" };
  readonly bodyLength: number;
  /** Bytes of the file, with the prefix and the body. */
  readonly start: number;
  readonly end: number;
}

async function bytesAt(file: StoredFile, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.max(0, Math.min(length, file.sizeBytes - start)));
  return bytes.subarray(0, await file.read(bytes, start));
}

/** Whether it has a footer; the stream form has none. */
export async function isFileForm(file: StoredFile): Promise<boolean> {
  return (await firstMessage(file)) > 0;
}

/** The names of the columns in a schema message, prefix and all. */
export function columnsOfSchema(file: StoredFile, message: Buffer): readonly string[] {
  const { holds } = decode(file, 0, message.subarray(8));
  if (holds.kind !== "schema") throw damagedTable(file.path, 0, "a footer without a schema");
  return holds.columns;
}

/** In the file form the last bytes are the magic again: a file that was cut off is known at once. */
async function firstMessage(file: StoredFile): Promise<number> {
  const head = (await bytesAt(file, 0, FILE_HEAD_BYTES)).toString("latin1");
  if (head.startsWith(FEATHER_1_MAGIC)) throw unsupportedTable(file.path, "a Feather file of version 1");
  if (!head.startsWith(MAGIC)) return 0;
  const tail = await bytesAt(file, Math.max(0, file.sizeBytes - MAGIC.length), MAGIC.length);
  if (tail.toString("latin1") !== MAGIC || file.sizeBytes < FILE_HEAD_BYTES + MAGIC.length) {
    throw damagedTable(file.path, file.sizeBytes, `an Arrow file without its end, cut off at ${file.sizeBytes} bytes`);
  }
  return FILE_HEAD_BYTES;
}

/**
 * From the first on, or the one at `from`. Ends at the mark for the end, or where a stream ends between two messages; whole
 * ones come before damage.
 */
export async function* arrowMessages(file: StoredFile, from?: number): AsyncIterable<ArrowMessage> {
  for (let start = from ?? (await firstMessage(file)); ; ) {
    const prefix = await bytesAt(file, start, 8);
    if (prefix.length === 0) return;
    if (prefix.length < 4) throw cutOff(file, start);
    const isMarked = prefix.readUInt32LE(0) === CONTINUATION;
    if (isMarked && prefix.length < 8) throw cutOff(file, start);
    const length = prefix.readUInt32LE(isMarked ? 4 : 0);
    if (length === 0) return;
    const metadataStart = start + (isMarked ? 8 : 4);
    if (length > MAX_METADATA_BYTES) {
      throw damagedTable(file.path, start, "bytes where a message of Arrow IPC should begin");
    }
    const metadata = await bytesAt(file, metadataStart, length);
    if (metadata.length < length) throw cutOff(file, start);
    const found = decode(file, start, metadata);
    const end = metadataStart + length + found.bodyLength;
    if (!(found.bodyLength >= 0 && end <= file.sizeBytes)) throw cutOff(file, start);
    yield { ...found, start, end };
    start = end;
  }
}

function cutOff(file: StoredFile, start: number): Error {
  return damagedTable(file.path, start, `a message that ends behind the end of the file at ${file.sizeBytes} bytes`);
}

/** All of it at once: the library decodes late, and damage must be known here. */
function decode(file: StoredFile, start: number, metadata: Buffer): Pick<ArrowMessage, "holds" | "bodyLength"> {
  try {
    checkMessage(metadata);
    const message = Message.decode(metadata);
    const { bodyLength } = message;
    if (message.isSchema()) {
      return { holds: { kind: "schema", columns: message.header().fields.map(({ name }) => name) }, bodyLength };
    }
    if (message.isDictionaryBatch()) {
      const { id, isDelta } = message.header();
      return { holds: { kind: "dictionary", id: Number(id), isDelta }, bodyLength };
    }
    if (!message.isRecordBatch()) return { holds: { kind: "other" }, bodyLength };
    const numRows = Number(message.header().length);
    if (!(numRows >= 0 && numRows <= Number.MAX_SAFE_INTEGER)) throw new RangeError(`${numRows} rows`);
    return { holds: { kind: "batch", numRows }, bodyLength };
  } catch (error) {
    throw damagedTable(file.path, start, "a message of Arrow IPC that cannot be read", error);
  }
}
