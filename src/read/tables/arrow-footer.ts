// The schema of an Arrow file of the file form as its footer has it. The form wants a schema at the begin too, but the
// writer of apache-arrow for JavaScript leaves that one out, and most readers look into the footer alone.
import type { StoredFile } from "../../base/storage/index.js";
import { FlatTable } from "./arrow-flatbuffer.js";
import { damagedTable } from "./table-errors.js";

const MAGIC_BYTES = 6;
/** The footer's length and the magic. */
const TAIL_BYTES = 4 + MAGIC_BYTES;
const SCHEMA_HEADER = 1;
/** Of Arrow's File.fbs. */
const FOOTER = { version: 0, schema: 1 } as const;
/** A multiple of 8: what follows keeps its alignment. */
const MESSAGE_BYTES = 32;

/** As a message of the stream form, with its prefix. */
export async function footerSchema(file: StoredFile): Promise<Buffer> {
  const { path, sizeBytes } = file;
  const damaged = (cause?: unknown): Error => damagedTable(path, sizeBytes, "a footer that cannot be read", cause);
  const at = async (start: number, length: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(length);
    if (start < 0 || (await file.read(bytes, start)) < length) throw damaged();
    return bytes;
  };
  const length = (await at(sizeBytes - TAIL_BYTES, TAIL_BYTES)).readInt32LE(0);
  if (length <= 0) throw damaged();
  const footer = await at(sizeBytes - TAIL_BYTES - length, length);
  try {
    return messageOf(footer);
  } catch (error) {
    throw damaged(error);
  }
}

/**
 * A flatbuffer holds distances, not places: the schema within the footer becomes the header of a message by a table Message
 * that stands before the footer and points into it.
 */
function messageOf(footer: Buffer): Buffer {
  const table = FlatTable.root(footer);
  const schema = table.table(FOOTER.schema);
  if (schema === undefined) throw new RangeError("no schema");
  const versionAt = table.field(FOOTER.version);
  const prefix = Buffer.alloc(8 + MESSAGE_BYTES);
  const padding = -footer.length & 7;
  prefix.writeUInt32LE(0xffff_ffff, 0);
  prefix.writeUInt32LE(MESSAGE_BYTES + footer.length + padding, 4);
  const message = prefix.subarray(8);
  message.writeUInt32LE(16, 0); // where the table stands
  // Its fields: length of this list, of the table, then where version, type of header and header stand in it.
  [10, 12, 4, 6, 8].forEach((value, i) => {
    message.writeUInt16LE(value, 4 + 2 * i);
  });
  message.writeInt32LE(16 - 4, 16); // back to the list
  message.writeInt16LE(versionAt === undefined ? 0 : footer.readInt16LE(versionAt), 20);
  message.writeUInt8(SCHEMA_HEADER, 22);
  message.writeUInt32LE(MESSAGE_BYTES + schema.at - 24, 24);
  return Buffer.concat([prefix, footer, Buffer.alloc(padding)]);
}
