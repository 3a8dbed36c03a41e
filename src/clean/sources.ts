// Which documents of a block a rule is for: patterns on the names of sources, `*` for any characters.
import { escapeRegExp } from "../base/regexp.js";
import type { DocumentBlock } from "../records/document-block.js";

export function matchesSource(patterns: readonly string[], source: string): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split("*").map(escapeRegExp);
    return new RegExp(`^${parts.join(".*")}$`, "su").test(source);
  });
}

/** 1 for every row that is kept and of a source that matches. */
export function rowsOf(block: DocumentBlock, keep: Uint8Array, patterns: readonly string[] | undefined): Uint8Array {
  if (patterns === undefined) return Uint8Array.from(keep);
  const matches = block.sources.map((source) => matchesSource(patterns, source));
  return keep.map((kept, row) => (kept === 1 && matches[block.sourceIndex[row]!] ? 1 : 0));
}
