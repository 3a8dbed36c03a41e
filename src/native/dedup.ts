// native/addon/dedup.cc: shingles, MinHash, hashes of documents.
import type { ScanOptions, ScanResult } from "./read.js";

export interface Shingling {
  readonly unit: "word" | "char";
  /** Units a shingle. */
  readonly size: number;
}

export interface SignatureOptions extends Shingling {
  readonly bands: number;
  readonly rows: number;
  readonly seed: bigint;
  /** How fast, never what. */
  readonly simd: "auto" | "scalar" | "avx2" | "avx512";
}

/** Memory for the columns that are nine tenths of SignedRows, used where it suffices. */
export type SignatureRoom = Pick<SignedRows, "bandKeys" | "sketches">;

/** Columns of documents, one row each; bandKeys[band * numDocuments + row]. */
export interface SignedRows {
  readonly numDocuments: number;
  /** 128 bits of the normalised text, two words a row, low before high. */
  readonly contentHashes: BigUint64Array;
  /** 64 bits of the text as it is. */
  readonly textHashes: BigUint64Array;
  readonly normalizedBytes: Uint32Array;
  readonly bandKeys: BigUint64Array;
  /**
   * SKETCH_SIZE a row: the upper halves of the least shingle hashes of its set, each once, ascending, then 0xffffffff. Two
   * documents at similarity J have none in common with a probability of (1 - J)^SKETCH_SIZE.
   */
  readonly sketches: Uint32Array;
}

export const SKETCH_SIZE = 16;

/** The documents of whole lines of JSONL, without their texts. */
export interface SignedLines extends SignedRows, Omit<ScanResult, "text" | "textOffsets" | "meta" | "metaOffsets"> {
  /** 128 bits of the id, two words a row. */
  readonly idHashes: BigUint64Array;
  /** Of ScanOptions.scoreField: the number there, NaN where there is none. */
  readonly scores: Float64Array;
}

/** See native/include/millrace/dedup.h; sets of shingles are ascending 64-bit hashes, each once. */
export interface NativeDedup {
  /**
   * Reads and signs the documents of whole lines of JSONL in one pass; rejects as scanJsonl does. The long columns may be
   * views of `room`, then they are valid until it is given again.
   */
  signLines(bytes: Uint8Array, read: ScanOptions, options: SignatureOptions, room?: SignatureRoom): SignedLines;
  signDocuments(text: Uint8Array, offsets: Uint32Array, options: SignatureOptions): SignedRows;
  /** 128-bit hashes of rows of bytes, two words a row. */
  hashRows(bytes: Uint8Array, offsets: Uint32Array): BigUint64Array;
  /** Shingle sets of the chosen rows, one after another; offsets in elements. */
  shingleSets(
    text: Uint8Array,
    offsets: Uint32Array,
    rows: Uint32Array,
    shingling: Shingling,
  ): { hashes: BigUint64Array; offsets: Uint32Array };
  /** The same of records of JSONL: record i is bytes[begins[i]] .. + lengths[i] and known to be a document. */
  shingleLines(
    bytes: Uint8Array,
    begins: Uint32Array,
    lengths: Uint32Array,
    read: ScanOptions,
    shingling: Shingling,
  ): { hashes: BigUint64Array; offsets: Uint32Array };
}
