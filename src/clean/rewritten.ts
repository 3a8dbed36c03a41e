// Tells where the texts stand, as they were read, of the documents of a block that a rule has changed.
import { formatRewritten } from "../formats/rewritten.js";
import type { BlockRef } from "../records/block-reader.js";
import { type DocumentBlock, idOf } from "../records/document-block.js";

/** Their lines. `rulesOf`: the rules that changed each row, by row, ascending. */
export function rewrittenLines(
  ref: BlockRef,
  block: DocumentBlock,
  rulesOf: ReadonlyMap<number, readonly string[]>,
): string {
  const lines = [...rulesOf].map(([row, rules]) =>
    formatRewritten({ file: ref.file, offset: block.recordOffset[row]!, id: idOf(block, row), rules }),
  );
  return lines.join("");
}
