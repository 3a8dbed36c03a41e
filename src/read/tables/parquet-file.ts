// Parquet files: planning reads the footer and shares out rows, reading takes the rows of a block from all columns at once,
// page by page. Only ranges of the file are read, each once, but for pages in which two blocks meet.
import { openStored, type StoredFile } from "../../base/storage/index.js";
import type { BlockRef, Range, ReadOptions } from "../../records/block-reader.js";
import type { CorpusBytes } from "../stored-bytes.js";
import { checkColumns } from "./columns.js";
import { LeafCursor } from "./parquet-leaf.js";
import { type FileMetaData, parseFooter, type RowGroup, schemaOf } from "./parquet-library.js";
import { ChunkPages } from "./parquet-pages.js";
import { rowWriter } from "./parquet-rows.js";
import { type ParquetSchema, readSchema } from "./parquet-schema.js";
import type { RowLines } from "./row-lines.js";
import { damagedTable, unsupportedTable } from "./table-errors.js";

const MAGIC = "PAR1";
const MAGIC_OF_ENCRYPTED = "PARE";
/** The length of the footer and the magic again. */
const TAIL_BYTES = 8;

const FILLED_BYTES = 2 ** 20;

/** Of one block: the largest that blocks of lines are, however well a file is compressed. */
const MAX_UNCOMPRESSED_BYTES = 64 * 2 ** 20;

interface ParquetFooter {
  readonly metadata: FileMetaData;
  readonly schema: ParquetSchema;
}

async function bytesAt(file: StoredFile, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, await file.read(bytes, start));
}

async function readFooter(file: StoredFile): Promise<ParquetFooter> {
  const { path, sizeBytes } = file;
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
  const head = text(await bytesAt(file, 0, MAGIC.length));
  if (head === MAGIC_OF_ENCRYPTED) throw unsupportedTable(path, "an encrypted Parquet file");
  if (head !== MAGIC) throw damagedTable(path, 0, `a file that does not begin with ${MAGIC}, as Parquet files do`);
  const tail = Buffer.from(await bytesAt(file, Math.max(0, sizeBytes - TAIL_BYTES), TAIL_BYTES));
  const cutOff = (): Error =>
    damagedTable(path, sizeBytes, `a Parquet file without its end, cut off at ${sizeBytes} bytes`);
  if (tail.length < TAIL_BYTES || tail.toString("latin1", 4) !== MAGIC) throw cutOff();
  const footerBytes = tail.readUInt32LE(0) + TAIL_BYTES;
  if (footerBytes + MAGIC.length > sizeBytes) throw cutOff();
  try {
    const metadata = parseFooter(await bytesAt(file, sizeBytes - footerBytes, footerBytes));
    return { metadata, schema: readSchema(schemaOf(metadata)) };
  } catch (error) {
    throw damagedTable(path, sizeBytes - footerBytes, "a footer that cannot be read", error);
  }
}

/** The names of the columns, which may hold lists, maps and groups. */
export async function parquetColumns({ file: path, version }: CorpusBytes): Promise<readonly string[]> {
  const file = await openStored(path, version);
  try {
    return (await readFooter(file)).schema.columns.map(({ name }) => name);
  } finally {
    await file.close();
  }
}

export interface ParquetSlice {
  readonly start: number;
  readonly end: number;
  readonly rows: Range;
}

/**
 * Row groups, as many as have `blockBytes` in the file, or the most that a block may have uncompressed; one that has more
 * is shared out by rows. Every row is in one slice.
 */
export async function* planParquet(
  parquet: CorpusBytes,
  options: ReadOptions,
  blockBytes: number,
): AsyncIterable<ParquetSlice> {
  const file = await openStored(parquet.file, parquet.version);
  try {
    const { metadata, schema } = await readFooter(file);
    checkColumns(
      file.path,
      schema.columns.map(({ name }) => name),
      options,
    );
    yield* slicesOf(metadata.row_groups, file.sizeBytes, blockBytes);
  } finally {
    await file.close();
  }
}

function sizeOf({ columns }: RowGroup, what: "total_compressed_size" | "total_uncompressed_size"): number {
  return columns.reduce((sum, { meta_data }) => sum + Number(meta_data?.[what] ?? 0), 0);
}

/** The bytes of a file are shared out by rows, so that they add up to the file. */
function* slicesOf(groups: readonly RowGroup[], sizeBytes: number, blockBytes: number): Iterable<ParquetSlice> {
  const numRows = groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  const slice = (start: number, end: number): ParquetSlice => ({
    start: Math.floor((start / numRows) * sizeBytes),
    end: Math.floor((end / numRows) * sizeBytes),
    rows: [start, end],
  });
  let [begin, row, gathered] = [0, 0, 0];
  for (const group of groups) {
    const rows = Number(group.num_rows);
    const stored = sizeOf(group, "total_compressed_size") / blockBytes;
    const shares = Math.max(stored, sizeOf(group, "total_uncompressed_size") / MAX_UNCOMPRESSED_BYTES);
    const parts = Math.min(rows, Math.ceil(shares));
    if (parts > 1) {
      if (row > begin) yield slice(begin, row);
      for (let part = 0; part < parts; part += 1) {
        yield slice(row + Math.floor((part * rows) / parts), row + Math.floor(((part + 1) * rows) / parts));
      }
      [begin, gathered] = [row + rows, 0];
    } else {
      gathered += shares;
    }
    row += rows;
    if (gathered < 1 || row === begin) continue;
    yield slice(begin, row);
    [begin, gathered] = [row, 0];
  }
  if (row > begin) yield slice(begin, row);
}

/** Blocks of one file follow one another in a worker: its footer is parsed once. */
let lastFooter: { readonly key: string; readonly footer: ParquetFooter } | undefined;

async function footerOf(file: StoredFile, version: string | undefined): Promise<ParquetFooter> {
  const key = JSON.stringify([file.path, file.sizeBytes, version]);
  if (lastFooter?.key !== key) lastFooter = { key, footer: await readFooter(file) };
  return lastFooter.footer;
}

/** Fills `rows` again and again; each time it is the caller's to empty. */
export async function* readParquet(
  ref: BlockRef,
  { rows: [start, end] }: { readonly rows: Range },
  options: ReadOptions,
  rows: RowLines,
): AsyncIterable<void> {
  const file = await openStored(ref.file, ref.version);
  try {
    const { metadata, schema } = await footerOf(file, ref.version);
    let first = 0;
    for (const group of metadata.row_groups) {
      const behind = first + Number(group.num_rows);
      const [from, to] = [Math.max(start, first), Math.min(end, behind)];
      if (from < to) yield* readGroup(file, group, schema, [from, to], first, start, options, rows);
      first = behind;
    }
  } finally {
    await file.close();
  }
}

/** Rows [from, to) of the file, in a group whose first row is `first`; lines are counted from the block's first row. */
async function* readGroup(
  file: StoredFile,
  group: RowGroup,
  { columns, leaves }: ParquetSchema,
  [from, to]: Range,
  first: number,
  blockStart: number,
  options: ReadOptions,
  rows: RowLines,
): AsyncIterable<void> {
  if (group.columns.length !== leaves.length) {
    throw damagedTable(file.path, 0, `a row group of ${group.columns.length} columns in a file of ${leaves.length}`);
  }
  const cursors = leaves.map((leaf, i) => new LeafCursor(new ChunkPages(file, leaf, group.columns[i]!), leaf));
  const fields = [options.textField, options.idField, options.sourceField];
  const source = { columns, leaves, cursors, isText: (path: readonly string[]) => fields.includes(path.join(".")) };
  const writeMembers = rowWriter(source, rows);
  const missing = (leaf: number): Error =>
    damagedTable(file.path, 0, `column ${leaves[leaf]!.path.join(".")} with fewer values than its rows`);
  for (const [i, cursor] of cursors.entries()) if (!(await cursor.skipRows(from - first))) throw missing(i);
  for (let row = from; row < to; ) {
    for (const [i, cursor] of cursors.entries()) if (!(await cursor.load())) throw missing(i);
    const ready = Math.min(...cursors.map((cursor) => cursor.numRows));
    const [behind, full] = [Math.min(to, row + ready), rows.sizeBytes + FILLED_BYTES];
    for (; row < behind && rows.sizeBytes < full; row += 1) {
      rows.beginRow();
      writeMembers();
      rows.endRow(row, row - blockStart + 1);
      rows.numLines += 1;
    }
    yield;
  }
}
