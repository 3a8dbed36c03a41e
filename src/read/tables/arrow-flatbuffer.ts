// The few things that must be known of a flatbuffer of Arrow before the library decodes it: that its lists are not longer
// than the bytes. The library believes their lengths, and a damaged one would cost gigabytes.

const MESSAGE = { headerType: 1, header: 2 } as const;
const HEADER = { schema: 1, dictionary: 2, batch: 3 } as const;
const SCHEMA = { fields: 1, metadata: 2 } as const;
const FIELD = { children: 5, metadata: 6 } as const;
const DICTIONARY = { data: 1 } as const;
const BATCH = { nodes: 1, buffers: 2, variadicCounts: 4 } as const;
/** Of FieldNode and of Buffer. */
const STRUCT_BYTES = 16;
const INT64_BYTES = 8;

/** Fields by their number in the .fbs files of Arrow's format. Whatever points out of the bytes is a RangeError. */
export class FlatTable {
  readonly #bytes: Buffer;
  readonly at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  static root(bytes: Buffer): FlatTable {
    return new FlatTable(bytes, bytes.readUInt32LE(0));
  }

  /** Where its value stands; undefined: it is left out. */
  field(number: number): number | undefined {
    const fields = this.at - this.#bytes.readInt32LE(this.at);
    if (4 + 2 * number >= this.#bytes.readUInt16LE(fields)) return undefined;
    const distance = this.#bytes.readUInt16LE(fields + 4 + 2 * number);
    return distance === 0 ? undefined : this.at + distance;
  }

  table(number: number): FlatTable | undefined {
    const at = this.#target(number);
    return at === undefined ? undefined : new FlatTable(this.#bytes, at);
  }

  tables(number: number): FlatTable[] {
    const { at, length } = this.#list(number, 4);
    const places = Array.from({ length }, (_, i) => at + 4 * i);
    return places.map((place) => new FlatTable(this.#bytes, place + this.#bytes.readUInt32LE(place)));
  }

  /** Throws unless the list lies within the bytes. */
  checkList(number: number, elementBytes: number): void {
    this.#list(number, elementBytes);
  }

  uint8(number: number): number {
    const at = this.field(number);
    return at === undefined ? 0 : this.#bytes.readUInt8(at);
  }

  #target(number: number): number | undefined {
    const at = this.field(number);
    return at === undefined ? undefined : at + this.#bytes.readUInt32LE(at);
  }

  #list(number: number, elementBytes: number): { at: number; length: number } {
    const at = this.#target(number);
    if (at === undefined) return { at: 0, length: 0 };
    const length = this.#bytes.readUInt32LE(at);
    if (at + 4 + length * elementBytes > this.#bytes.length) throw new RangeError(`a list of ${length} elements`);
    return { at: at + 4, length };
  }
}

/** Throws unless all lists of a schema, dictionary or record batch lie within the message. */
export function checkMessage(metadata: Buffer): void {
  const message = FlatTable.root(metadata);
  const header = message.table(MESSAGE.header);
  if (header === undefined) return;
  const type = message.uint8(MESSAGE.headerType);
  if (type === HEADER.schema) checkSchema(header, metadata.length);
  if (type === HEADER.batch) checkBatch(header);
  const data = type === HEADER.dictionary ? header.table(DICTIONARY.data) : undefined;
  if (data !== undefined) checkBatch(data);
}

function checkBatch(batch: FlatTable): void {
  batch.checkList(BATCH.nodes, STRUCT_BYTES);
  batch.checkList(BATCH.buffers, STRUCT_BYTES);
  batch.checkList(BATCH.variadicCounts, INT64_BYTES);
}

/** `sizeBytes` bounds the number of fields: damaged ones may stand for one another's children. */
function checkSchema(schema: FlatTable, sizeBytes: number): void {
  schema.tables(SCHEMA.metadata);
  let left = sizeBytes / 4;
  for (let fields = schema.tables(SCHEMA.fields); fields.length > 0; ) {
    left -= fields.length;
    if (left < 0) throw new RangeError("more fields than the bytes can hold");
    for (const field of fields) field.tables(FIELD.metadata);
    fields = fields.flatMap((field) => field.tables(FIELD.children));
  }
}
