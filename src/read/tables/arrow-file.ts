// Arrow IPC files, of the file form (also Feather 2) and of the stream form: planning walks the messages and shares out rows,
// reading takes the batches that hold a block's rows, one at a time.
import { openStored, type StoredFile } from "../../base/storage/index.js";
import { CompressionType, compressionRegistry, type RecordBatch, RecordBatchReader } from "../../formats/arrow.js";
import type { BlockRef, Range, ReadOptions, TableBlock } from "../../records/block-reader.js";
import type { CorpusBytes } from "../stored-bytes.js";
import { arrowCell, membersWriter } from "./arrow-cells.js";
import { footerSchema } from "./arrow-footer.js";
import { type ArrowMessage, arrowMessages, columnsOfSchema, isFileForm } from "./arrow-messages.js";
import { UnreadType } from "./arrow-values.js";
import { MAX_PART_BYTES, zstdBuffer } from "./codecs.js";
import { checkColumns } from "./columns.js";
import { decodeLz4Frame } from "./lz4-frame.js";
import type { RowLines } from "./row-lines.js";
import { damagedTable, unsupportedTable } from "./table-errors.js";

type ArrowBlock = Extract<TableBlock, { kind: "arrow" }>;

const FILLED_BYTES = 2 ** 20;

/** Reading a batch again for each block of its rows must cost less than what becomes of the rows. */
const SPLIT_BYTES = 64 * 2 ** 20;

compressionRegistry.set(CompressionType.ZSTD, { decode: zstdBuffer });
compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: decodeLz4Frame });

/** The names of the columns. */
export async function arrowColumns({ file: path, version }: CorpusBytes): Promise<readonly string[]> {
  const file = await openStored(path, version);
  try {
    return (await findSchema(file)).columns;
  } finally {
    await file.close();
  }
}

export interface ArrowSlice {
  readonly start: number;
  readonly end: number;
  readonly table: ArrowBlock;
}

interface Gathered {
  readonly first: ArrowMessage;
  readonly last: ArrowMessage;
  readonly rows: Range;
  /** As they were before the first of these messages. */
  readonly dictionaries: readonly Range[];
}

/**
 * Record batches, as many as give `blockBytes`; one that has much more is shared out by rows. Every row is in one slice.
 * Whole batches are delivered before damage.
 */
export async function* planArrow(
  arrow: CorpusBytes,
  options: ReadOptions,
  blockBytes: number,
): AsyncIterable<ArrowSlice> {
  const file = await openStored(arrow.file, arrow.version);
  try {
    yield* slicesOf(file, options, blockBytes);
  } finally {
    await file.close();
  }
}

async function* slicesOf(file: StoredFile, options: ReadOptions, blockBytes: number): AsyncIterable<ArrowSlice> {
  const dictionaries = new Map<number, Range[]>();
  const { range: schema, columns } = await findSchema(file);
  checkColumns(file.path, columns, options);
  let open: Gathered | undefined;
  let row = 0;
  const slice = ({ first, last, rows, dictionaries }: Gathered): ArrowSlice => ({
    start: first.start,
    end: last.end,
    table: {
      kind: "arrow",
      rows,
      ...(schema === undefined ? {} : { schema }),
      dictionaries,
      batches: [first.start, last.end],
      firstRow: rows[0],
    },
  });
  let damage: unknown;
  try {
    for await (const found of arrowMessages(file)) {
      const { holds, bodyLength, start, end } = found;
      if (holds.kind === "dictionary") {
        const before = holds.isDelta ? (dictionaries.get(holds.id) ?? []) : [];
        dictionaries.set(holds.id, [...before, [start, end]]);
      } else if (holds.kind === "batch") {
        if (bodyLength > MAX_PART_BYTES) {
          throw unsupportedTable(file.path, `a record batch of ${bodyLength} bytes at byte ${start}`);
        }
        const { numRows } = holds;
        const parts = Math.min(numRows, Math.ceil(bodyLength / Math.max(blockBytes, SPLIT_BYTES)));
        const alone = {
          first: found,
          last: found,
          rows: [row, row + numRows],
          dictionaries: [...dictionaries.values()].flat(),
        } as const;
        if (parts > 1) {
          if (open !== undefined) yield slice(open);
          open = undefined;
          yield* partsOf(slice(alone), parts);
        } else {
          // Dictionaries between the batches of a block are read with them.
          open = open === undefined ? alone : { ...open, last: found, rows: [open.rows[0], row + numRows] };
          if (end - open.first.start >= blockBytes) {
            yield slice(open);
            open = undefined;
          }
        }
        row += numRows;
      }
    }
  } catch (error) {
    damage = error;
  }
  if (open !== undefined) yield slice(open);
  if (damage !== undefined) throw damage;
}

interface FoundSchema {
  /** Undefined: in the footer alone. */
  readonly range?: Range;
  readonly columns: readonly string[];
}

async function findSchema(file: StoredFile): Promise<FoundSchema> {
  let found: string | undefined;
  for await (const { holds, start, end } of arrowMessages(file)) {
    if (holds.kind === "schema") return { range: [start, end], columns: holds.columns };
    found = "a message that is no schema at the begin";
    break;
  }
  if (await isFileForm(file)) return { columns: columnsOfSchema(file, await footerSchema(file)) };
  // The stream form may end anywhere between two messages, but a writer begins with the schema.
  found ??= `${file.sizeBytes === 0 ? "no bytes" : "no messages"}, not even a schema`;
  throw damagedTable(file.path, 0, found);
}

/** Equal shares of the rows of one batch. */
function* partsOf({ start, end, table }: ArrowSlice, parts: number): Iterable<ArrowSlice> {
  const [first, behind] = table.rows;
  const at = (part: number, from: number, to: number): number => from + Math.floor((part * (to - from)) / parts);
  for (let part = 0; part < parts; part += 1) {
    const rows: Range = [at(part, first, behind), at(part + 1, first, behind)];
    yield { start: at(part, start, end), end: at(part + 1, start, end), table: { ...table, rows } };
  }
}

async function bytesOf(file: StoredFile, ranges: readonly Range[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(ranges.reduce((sum, [start, end]) => sum + end - start, 0));
  let filled = 0;
  for (const [start, end] of ranges) {
    const got = await file.read(bytes.subarray(filled, filled + end - start), start);
    if (got < end - start) throw damagedTable(file.path, start + got, "the end of the file within a message");
    filled += got;
  }
  return bytes;
}

/** Fills `rows` again and again; each time it is the caller's to empty. */
export async function* readArrow(
  ref: BlockRef,
  block: ArrowBlock,
  options: ReadOptions,
  rows: RowLines,
): AsyncIterable<void> {
  const [start, end] = block.rows;
  const file = await openStored(ref.file, ref.version);
  try {
    let first = block.firstRow;
    for await (const batch of batchesOf(file, block)) {
      const [from, to] = [Math.max(start, first), Math.min(end, first + batch.numRows)];
      if (from < to) {
        const damage = (error: unknown): Error => batchDamage(file, block, error);
        yield* readRows(batch, [from, to], first, start, options, rows, damage);
      }
      first += batch.numRows;
    }
    if (first < end) throw damagedTable(file.path, block.batches[0], "record batches of fewer rows than they said");
  } finally {
    await file.close();
  }
}

function batchDamage(file: StoredFile, { batches }: ArrowBlock, error: unknown): Error {
  if (error instanceof UnreadType) return unsupportedTable(file.path, `a column of type ${error.message}`);
  return damagedTable(file.path, batches[0], "a record batch that cannot be read", error);
}

/** The messages of the file make a stream of their own: schema, dictionaries, then each batch. */
async function* batchesOf(file: StoredFile, block: ArrowBlock): AsyncIterable<RecordBatch> {
  const source = (async function* () {
    if (block.schema === undefined) yield await footerSchema(file);
    yield await bytesOf(file, [...(block.schema === undefined ? [] : [block.schema]), ...block.dictionaries]);
    for await (const { start, end } of messagesIn(file, block.batches)) yield await bytesOf(file, [[start, end]]);
  })();
  const batches = (
    await RecordBatchReader.from(source).catch((error: unknown) => {
      throw batchDamage(file, block, error);
    })
  )[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.resolve(batches.next()).catch((error: unknown) => {
      throw batchDamage(file, block, error);
    });
    if (next.done) return;
    yield next.value;
  }
}

async function* messagesIn(file: StoredFile, [start, end]: Range): AsyncIterable<ArrowMessage> {
  for await (const message of arrowMessages(file, start)) {
    yield message;
    if (message.end >= end) return;
  }
}

/** Rows [from, to) of the file, in a batch whose first row is `first`; lines are counted from the block's first row. */
function* readRows(
  batch: RecordBatch,
  [from, to]: Range,
  first: number,
  blockStart: number,
  options: ReadOptions,
  rows: RowLines,
  damage: (error: unknown) => Error,
): Iterable<void> {
  const fields = [options.textField, options.idField, options.sourceField];
  const isText = (path: readonly string[]): boolean => fields.includes(path.join("."));
  const names = batch.schema.fields.map(({ name }) => name);
  try {
    const cells = batch.data.children.map((child, i) => arrowCell(child, rows, isText, [names[i]!]));
    const writeMembers = membersWriter(names, cells, rows);
    for (let row = from; row < to; ) {
      for (const full = rows.sizeBytes + FILLED_BYTES; row < to && rows.sizeBytes < full; row += 1) {
        rows.beginRow();
        writeMembers(row - first);
        rows.endRow(row, row - blockStart + 1);
        rows.numLines += 1;
      }
      yield;
    }
  } catch (error) {
    throw damage(error);
  }
}
