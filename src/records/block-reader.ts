// What a text stage sees of reading: inputs are cut into blocks of bytes, a block becomes documents. The implementation is
// the `read` stage's; the conductor hands it to the others.
import type { DocumentBlock, RejectedRecord } from "./document-block.js";
import type { FileRef } from "./stage.js";

export type CorpusFormat = "jsonl" | "json" | "text";
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
}

/** A run of whole records of one file: bytes [start, end) of the decompressed stream. Plain data. */
export interface BlockRef {
  /** `<index of the input>-<number of the block>`, zero-padded: sorts in input order, stable across runs. */
  readonly id: string;
  readonly file: string;
  /** Name documents carry when they have no source of their own: the file's name without folders and endings. */
  readonly source: string;
  readonly format: CorpusFormat;
  readonly compression: Compression;
  readonly start: number;
  readonly end: number;
  /** The block is one record that is too long to be read at all: reading it rejects it unread. */
  readonly oversized?: true;
  /** The block is bytes of a JSON file in which no records can be found: reading it rejects them as one, unread. */
  readonly refused?: { readonly reason: string; readonly detail: string };
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
}

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
  ): AsyncIterable<{ ref: BlockRef; payload?: ArrayBuffer }>;
  /** Documents of one block; `payload` when plan gave one. */
  read(ref: BlockRef, options: ReadOptions, payload?: ArrayBuffer): Promise<ReadBlock>;
  /** A block of JSON lines from its first byte to its last, in pieces that stay in a cache. None of an oversized record. */
  pieces(ref: BlockRef, payload?: ArrayBuffer): AsyncIterable<LinePiece>;
  /** The records at ascending offsets (of the decompressed stream), and as little as may be of what lies between them. */
  records(
    ref: BlockRef,
    offsets: Float64Array,
    lengths: Uint32Array,
    payload?: ArrayBuffer,
  ): AsyncIterable<RecordPiece>;
}
