// Applies a rewriter to the texts of a block: documents it leaves alone are copied as bytes.
import { type DocumentBlock, textOf } from "../records/document-block.js";
import type { Rewriter } from "./filter.js";

const encoder = new TextEncoder();

export interface Rewritten {
  readonly block: DocumentBlock;
  /** Rows whose texts are others than before, ascending. */
  readonly changed: readonly number[];
}

/** Rows with `rows[row] === 1` are rewritten. */
export function rewriteTexts(block: DocumentBlock, rows: Uint8Array, rewriter: Rewriter): Rewritten {
  const changed = new Map<number, Uint8Array>();
  for (let row = 0; row < block.numDocuments; row += 1) {
    if (rows[row] === 0) continue;
    const bytes = block.text.subarray(block.textOffsets[row]!, block.textOffsets[row + 1]!);
    if (rewriter.mayChange?.(bytes) === false) continue;
    const text = textOf(block, row);
    const rewritten = rewriter.rewrite(text);
    if (rewritten !== text) changed.set(row, encoder.encode(rewritten));
  }
  return { block: changed.size === 0 ? block : withTexts(block, changed), changed: [...changed.keys()] };
}

function withTexts(block: DocumentBlock, changed: ReadonlyMap<number, Uint8Array>): DocumentBlock {
  const textOffsets = new Uint32Array(block.numDocuments + 1);
  const bytesOf = (row: number): Uint8Array =>
    changed.get(row) ?? block.text.subarray(block.textOffsets[row]!, block.textOffsets[row + 1]!);
  for (let row = 0; row < block.numDocuments; row += 1) textOffsets[row + 1] = textOffsets[row]! + bytesOf(row).length;
  const text = new Uint8Array(textOffsets[block.numDocuments]!);
  for (let row = 0; row < block.numDocuments; row += 1) text.set(bytesOf(row), textOffsets[row]!);
  return { ...block, text, textOffsets };
}
