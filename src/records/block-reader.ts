// What a text stage sees of reading: inputs are cut into blocks of bytes, a block becomes documents. The implementation is
// the `read` stage's; the conductor hands it to the others.
import type { DocumentBlock, RejectedRecord } from "./document-block.js";
import type { FileRef } from "./stage.js";

export type CorpusFormat = "jsonl" | "json" | "text" | TableFormat;
export type TableFormat = "csv" | "tsv" | "parquet" | "arrow";
export type Compression = "none" | "gzip" | "zstd";

/** Choices of reading, the same for every block of a run; part of the journal's key. */
export interface ReadOptions {
  /** Dotted paths. */
  readonly textField: string;
  readonly idField: string;
  readonly sourceField: string;
  readonly maxDocumentBytes: number;
  /** Dotted path from each value of a JSON file to its records; none: the values themselves. */
  readonly recordsField?: string;
  /** What files of text are decoded from, by its name of formats/encodings.ts; none: UTF-8, or what a byte order mark says. */
  readonly encoding?: string | undefined;
}

/** Bytes [start, end) of a file, or rows of it. */
export type Range = readonly [start: number, end: number];

/** What a reader of tables has to know of a block, besides the bytes that it stands for. Plain data. */
export type TableBlock =
  | { readonly kind: "csv"; readonly columns: readonly string[] }
  | { readonly kind: "parquet"; readonly rows: Range }
  | {
      readonly kind: "arrow";
      readonly rows: Range;
      /** Messages of the file: the schema (left out: in the footer alone), dictionaries of the batches, and whole batches that hold the rows. */
      readonly schema?: Range;
      readonly dictionaries: readonly Range[];
      readonly batches: Range;
      /** Of the first of these batches. */
      readonly firstRow: number;
    };

/** What a recipe says of one input alone, instead of the stage's choices. */
export interface InputFields {
  readonly textField?: string;
  readonly idField?: string;
  readonly sourceField?: string;
  readonly recordsField?: string;
  readonly encoding?: string;
  /** Of all its documents, whatever they call their source. */
  readonly source?: string;
}

/** A run of whole records of one file: bytes [start, end) of the decompressed stream. Plain data. */
export interface BlockRef {
  /** `<index of the input>-<number of the block>`, zero-padded: sorts in input order, stable across runs. */
  readonly id: string;
  readonly file: string;
  /** Of a remote file: its digest when the run began, so that no other one is read. */
  readonly version?: string;
  readonly fields?: InputFields;
  /** Name documents carry when they have no source of their own: the file's name without folders and endings. */
  readonly source: string;
  readonly format: CorpusFormat;
  readonly compression: Compression;
  /** What a file of records is decoded from where it is not UTF-8: its blocks then stand in the UTF-8 that it becomes. */
  readonly encoding?: string;
  /** The file's byte order mark says so, and nobody else. */
  readonly encodingByMark?: true;
  readonly start: number;
  readonly end: number;
  /** The block is one record that is too long to be read at all: reading it rejects it unread. */
  readonly oversized?: true;
  /** The block is the rest of a JSON file behind a syntax error: reading it rejects it as one record, unread. */
  readonly refused?: { readonly reason: string; readonly detail: string };
  /** Of JSON files with a path to records: where the last value begins that has begun before the block. */
  readonly valueBegin?: number;
  /** Of tables. The bytes [start, end) of Parquet and Arrow files only count: they hold the rows, more or less. */
  readonly table?: TableBlock;
}

export interface ReadBlock {
  readonly block: DocumentBlock;
  /**
   * Here and in recordLine, line numbers are relative to the block (from 1): only the sum of numLines over the file's
   * blocks before tells the rest.
   */
  readonly rejected: readonly RejectedRecord[];
  /** The block's own bytes, of JSON files as splitJson leaves them (whole records, line ends included): record i is raw[recordOffset[i] - ref.start ..][0, recordLength[i]). */
  readonly raw: Uint8Array;
  readonly numLines: number;
  /** Bytes that count as one record because the records in them cannot be told apart: any number may be lost. */
  readonly refusedBytes?: number;
  /** What the user is to know of the file; said with its first block. */
  readonly note?: string;
}

/** Some of a block's documents. */
export type ReadPiece = Omit<ReadBlock, "raw">;

/** The bytes of a block that a sequential reader carries along: whole lines each, of about a MiB. */
export type Payload = readonly ArrayBuffer[];

/** Whole lines of a block of JSON lines. */
export interface LinePiece {
  /** The caller's until the next piece is asked for: it may be changed in place. */
  readonly bytes: Uint8Array;
  /** Of its first byte, in the decompressed stream. */
  readonly offset: number;
}

/** Some of a block's records: record i is bytes[begins[i]] .. + lengths[i]. */
export interface RecordPiece {
  /** The caller's until the next piece is asked for. */
  readonly bytes: Uint8Array;
  readonly begins: Uint32Array;
  readonly lengths: Uint32Array;
}

export interface BlockReader {
  /**
   * Cuts inputs into blocks, in input order. The size of a block depends on the total input bytes alone (64 MiB, less for
   * small inputs, at least one record). A file that cannot be split is read once, sequentially, and its blocks carry their
   * bytes as `payload` unless isDone(ref.id).
   */
  plan(
    inputs: readonly FileRef[],
    options: ReadOptions,
    isDone: (id: string) => boolean,
  ): AsyncIterable<{ ref: BlockRef; payload?: Payload }>;
  /** Documents of one block; `payload` when plan gave one. */
  read(ref: BlockRef, options: ReadOptions, payload?: Payload): Promise<ReadBlock>;
  /**
   * The same in pieces, in order, with line numbers that go on from piece to piece: memory is that of a piece, or of a
   * record where one is longer. A piece is the caller's until the next one is asked for.
   */
  documents(ref: BlockRef, options: ReadOptions, payload?: Payload): AsyncIterable<ReadPiece>;
  /** A block of JSON lines from its first byte to its last, in pieces that stay in a cache. None of an oversized record. */
  pieces(ref: BlockRef, payload?: Payload): AsyncIterable<LinePiece>;
  /** The records at ascending offsets (of the decompressed stream), and as little as may be of what lies between them. */
  records(ref: BlockRef, offsets: Float64Array, lengths: Uint32Array, payload?: Payload): AsyncIterable<RecordPiece>;
}
