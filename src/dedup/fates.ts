// What was decided about the documents of one block. The decision lists the removed alone, repeated ids stand in files
// of their own, and all others are kept.
import { type Spill, withSpill } from "../formats/spill.js";
import { DECISION } from "./decide.js";
import type { NumberedBlock } from "./numbering.js";
import { spillPath } from "./spills.js";

export interface Fates {
  /** Rows of the block, ascending; the other columns are of the same rows. */
  readonly removed: Uint32Array;
  /** Documents. */
  readonly witness: Uint32Array;
  readonly intersection: Uint32Array;
  readonly union: Uint32Array;
  /** Rows whose id an earlier document has, ascending. */
  readonly repeated: Uint32Array;
}

/** `parts`: names of the files of repeated ids. */
export function readFates(workDir: string, block: NumberedBlock, parts: readonly string[]): Fates {
  const { base, numDocuments } = block;
  const rowsIn = (spill: Spill, begin: number, end: number): Uint32Array =>
    spill.range("documents", "u32", begin, end).map((document) => document - base);
  const repeated = parts.flatMap((name) =>
    withSpill(spillPath(workDir, "ids", name), "ids", (spill) => [
      ...rowsIn(spill, lowerBound(spill, base), lowerBound(spill, base + numDocuments)),
    ]),
  );
  return withSpill(spillPath(workDir, "decision", DECISION), "decision", (spill) => {
    const [begin, end] = [lowerBound(spill, base), lowerBound(spill, base + numDocuments)];
    const column = (name: string): Uint32Array => spill.range(name, "u32", begin, end);
    return {
      removed: rowsIn(spill, begin, end),
      witness: column("witness"),
      intersection: column("intersection"),
      union: column("union"),
      repeated: Uint32Array.from(repeated).sort(),
    };
  });
}

/** Index of the first of the ascending `documents` that is not below `document`. */
function lowerBound(spill: Spill, document: number): number {
  let low = 0;
  let high = spill.length("documents");
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (spill.range("documents", "u32", middle, middle + 1)[0]! < document) low = middle + 1;
    else high = middle;
  }
  return low;
}
