// DocumentBlock: the unit between text stages. One contiguous UTF-8 buffer of texts with offsets, ids, sources, the other
// fields as JSON bytes, and where each record stood in its file. Rows i in [0, numDocuments).
//
//   text          |doc 0|doc 1|doc 2| ...      textOffsets[i] .. textOffsets[i+1]
//   id            the same layout               idOffsets
//   meta          one JSON object a row without text, id and source ("{}" when nothing else), metaOffsets
//
// Every array is a plain ArrayBuffer view, so a block can be transferred to a worker and passed to native code as pointers.

export interface DocumentBlock {
  readonly numDocuments: number;
  readonly text: Uint8Array;
  /** Length numDocuments + 1, bytes. */
  readonly textOffsets: Uint32Array;
  readonly id: Uint8Array;
  readonly idOffsets: Uint32Array;
  /** Distinct source names; row i has sources[sourceIndex[i]]. */
  readonly sources: readonly string[];
  readonly sourceIndex: Uint32Array;
  readonly meta: Uint8Array;
  readonly metaOffsets: Uint32Array;
  /** Byte offset of each record in its (decompressed) file; exact up to 2^53. */
  readonly recordOffset: Float64Array;
  /** Length of each record in bytes, without its line end. */
  readonly recordLength: Uint32Array;
  /** 1-based line number of each record, or 0 where the file has no lines. */
  readonly recordLine: Float64Array;
}

/** A record that could not become a document: data, not a crash. */
export interface RejectedRecord {
  readonly file: string;
  /** Byte offset in the decompressed stream. */
  readonly offset: number;
  readonly line: number;
  /** A stable word such as "invalid-json", "invalid-utf8", "missing-text", "duplicate-id", "too-short". */
  readonly reason: string;
  /** One sentence with the details, where there are any. */
  readonly detail?: string | undefined;
  /** The document's id where it is known. */
  readonly id?: string | undefined;
}

/** A view of one row, made only for filters written in TypeScript, reports and tests. */
export interface Document {
  readonly id: string;
  readonly text: string;
  readonly source: string;
  readonly meta: Readonly<Record<string, unknown>>;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function textOf(block: DocumentBlock, row: number): string {
  return decoder.decode(block.text.subarray(block.textOffsets[row]!, block.textOffsets[row + 1]!));
}

export function idOf(block: DocumentBlock, row: number): string {
  return decoder.decode(block.id.subarray(block.idOffsets[row]!, block.idOffsets[row + 1]!));
}

export function documentOf(block: DocumentBlock, row: number): Document {
  const meta = decoder.decode(block.meta.subarray(block.metaOffsets[row]!, block.metaOffsets[row + 1]!));
  return {
    id: idOf(block, row),
    text: textOf(block, row),
    source: block.sources[block.sourceIndex[row]!]!,
    meta: JSON.parse(meta) as Record<string, unknown>,
  };
}
