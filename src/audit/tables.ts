// What the audit remembers of a corpus: columns in typed arrays, about 100 bytes a document and 60 a removed one. Texts are read
// again where they lie.
import { HashTable, widened } from "./hash-table.js";

export const KEPT = 0;
export const REMOVED = 1;
/** Kept as it should be, but not in kept.jsonl. */
export const LOST = 2;

const INITIAL_ROWS = 2 ** 12;

/** Documents that no other with the same id came before, in the order of the input. */
export class DocumentTable {
  /** Row by hash of the id. */
  readonly ids = new HashTable();
  input = new Uint32Array(INITIAL_ROWS);
  /** Of the record in its input, decompressed. */
  offset = new Float64Array(INITIAL_ROWS);
  length = new Uint32Array(INITIAL_ROWS);
  fate = new Uint8Array(INITIAL_ROWS);
  /** Of the normalised text, in UTF-8. */
  normalizedBytes = new Float64Array(INITIAL_ROWS);
  /** What the policy compares before anything else; see order.ts. */
  rank = new Float64Array(INITIAL_ROWS);
  /** Of its line in kept.jsonl; -1: it has none. */
  keptOffset = new Float64Array(INITIAL_ROWS);

  /** The row that `ids` has just got. */
  prepare(row: number): void {
    if (row < this.input.length) return;
    const length = 2 * this.input.length;
    this.input = widened(this.input, length);
    this.offset = widened(this.offset, length);
    this.length = widened(this.length, length);
    this.fate = widened(this.fate, length);
    this.normalizedBytes = widened(this.normalizedBytes, length);
    this.rank = widened(this.rank, length);
    this.keptOffset = widened(this.keptOffset, length);
  }

  get numRows(): number {
    return this.ids.numRows;
  }
}

export const NO_DOCUMENT = 0xffffffff;

/** Lines of removed.jsonl in their order. */
export class RemovedTable {
  /** Line by hash of the removed document's id. */
  readonly ids = new HashTable();
  keptLow = new Uint32Array(INITIAL_ROWS);
  keptHigh = new Uint32Array(INITIAL_ROWS);
  jaccard = new Float64Array(INITIAL_ROWS);
  /** Of the line in removed.jsonl, and its number from 1. */
  offset = new Float64Array(INITIAL_ROWS);
  line = new Float64Array(INITIAL_ROWS);
  /** The document that the line removes; NO_DOCUMENT: none of the input. */
  document = new Uint32Array(INITIAL_ROWS);

  prepare(row: number): void {
    if (row < this.jaccard.length) return;
    const length = 2 * this.jaccard.length;
    this.keptLow = widened(this.keptLow, length);
    this.keptHigh = widened(this.keptHigh, length);
    this.jaccard = widened(this.jaccard, length);
    this.offset = widened(this.offset, length);
    this.line = widened(this.line, length);
    this.document = widened(this.document, length);
  }

  get numRows(): number {
    return this.ids.numRows;
  }
}
