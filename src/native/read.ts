// native/addon/read.cc: line scan, JSON values, normalisation, rows of tables.
import type { DocumentBlock } from "../records/document-block.js";

export interface ScanOptions {
  /** Field names as dotted paths ("text", "meta.body"). */
  readonly textField: string;
  readonly idField: string;
  /** Source field; rows without it get `source`. Empty: never looked up. */
  readonly sourceField: string;
  /** Field of a number, for signLines alone; empty: none. It stays among the other fields. */
  readonly scoreField: string;
  readonly source: string;
  /** Added to every record offset: where `bytes` begins in the decompressed stream. */
  readonly baseOffset: number;
  /** Number of lines before `bytes`, added to every line number. */
  readonly baseLine: number;
  /** Documents whose text is longer are rejected as "too-long" (bytes); 0: no limit. */
  readonly maxDocumentBytes: number;
  /** For scanJsonl alone. Not lines but what splitJson leaves: each value is a record, and counts as a line. */
  readonly values?: boolean;
  /** Of values: the path of the splitter, and `valueBegin` of the values before these bytes (0: of none). */
  readonly recordsField?: string;
  readonly valueBegin?: number;
  /** Of each line, where lines are made of rows of a table: its place in that file, also in the id that is made up of it. */
  readonly recordOffsets?: Float64Array;
}

/** Finds the records of one JSON file as its bytes stream by; opaque, and garbage collection frees it. */
export type JsonSplitter = object & { readonly __jsonSplitter: never };

export interface JsonSplit {
  /** Bytes before the fault; all where there is none. */
  readonly good: number;
  /** Offset in the file: all records before are complete. */
  readonly completeUntil: number;
  /** The syntax error that ends reading: "expected ...". */
  readonly fault?: string;
}

/** The documents of the lines, and what was rejected. */
export interface ScanResult extends DocumentBlock {
  readonly rejected: readonly { offset: number; length: number; line: number; reason: string; detail: string }[];
  /** Line ends seen, the unfinished last line counted when it is not empty. */
  readonly numLines: number;
  /** Of `values`: where the last value of the file begins that has begun by now; its end may follow. */
  readonly valueBegin?: number;
}

export interface NormalizeOptions {
  /** Unicode NFC. */
  readonly nfc: boolean;
  /** CRLF and CR become LF. */
  readonly newlines: boolean;
}

export interface NativeRead {
  unicodeVersion(): string;
  /** Whole lines of JSONL: the caller cuts `bytes` at line ends (the last line of a file may lack one). */
  scanJsonl(bytes: Uint8Array, options: ScanOptions): ScanResult;
  /** `path`: dotted names from each value of the file to its records, an array of them or one; empty: the values themselves. */
  createJsonSplitter(path: string): JsonSplitter;
  /**
   * Rewrites the file's next bytes in place: what is no part of a record becomes LF, a line end inside a record a space. With
   * a path each value leaves 0x02 where it begins (a number 0x01) and 0x03 where it ends without records; scanJsonl rejects it.
   */
  splitJson(splitter: JsonSplitter, bytes: Uint8Array, isLast: boolean): JsonSplit;
  /** New texts of a block: same number of rows. */
  normalizeTexts(
    text: Uint8Array,
    offsets: Uint32Array,
    options: NormalizeOptions,
  ): { text: Uint8Array; offsets: Uint32Array };
  /**
   * JSON lines `{"id":...,"text":...,"source":...,<meta fields>}` of the rows where keep[i] is 1, each ending with "\n". A
   * meta field that bears one of the three names becomes "original_<name>".
   */
  formatJsonl(
    block: Pick<
      DocumentBlock,
      "numDocuments" | "text" | "textOffsets" | "id" | "idOffsets" | "meta" | "metaOffsets" | "sources" | "sourceIndex"
    >,
    keep: Uint8Array,
  ): Uint8Array;
  /**
   * JSON with texts between: each run of four numbers says how much of `json` stands before it and which bytes of which
   * source follow, as a JSON string. The bytes need not be UTF-8.
   */
  joinRows(json: Uint8Array, runs: Uint32Array, sources: readonly Uint8Array[]): Uint8Array;
}
