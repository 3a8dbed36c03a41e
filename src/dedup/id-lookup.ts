// Ids of many documents at once, read from the signature files block by block.
import { withSpill } from "../formats/spill.js";
import { blockOf, type Numbering } from "./numbering.js";
import { spillPath } from "./spills.js";

/** For more documents of a block than this, its ids are read as a whole. */
const MAX_SINGLE_READS = 16;

/** A function that knows the ids of the documents in all the lists, in any order. */
export function readIds(
  workDir: string,
  { blocks }: Numbering,
  lists: readonly Uint32Array[],
): (document: number) => string {
  const documents = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let filled = 0;
  for (const list of lists) {
    documents.set(list, filled);
    filled += list.length;
  }
  documents.sort();
  const ids = new Map<number, string>();
  for (let begin = 0; begin < documents.length; ) {
    const { id, base, numDocuments } = blockOf(blocks, documents[begin]!);
    let end = begin;
    while (end < documents.length && documents[end]! < base + numDocuments) end += 1;
    const rows = documents.subarray(begin, end).map((document) => document - base);
    for (const [row, text] of readRows(spillPath(workDir, "signatures", id), rows)) ids.set(base + row, text);
    begin = end;
  }
  return (document) => ids.get(document)!;
}

function readRows(path: string, rows: Uint32Array): Map<number, string> {
  return withSpill(path, "signatures", (spill) => {
    const ids = new Map<number, string>();
    const take = (row: number, bytes: Uint8Array, begin: number, end: number): void => {
      ids.set(row, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8", begin, end));
    };
    if (rows.length > MAX_SINGLE_READS) {
      const offsets = spill.column("idOffsets", "u32");
      const bytes = spill.column("ids", "u8");
      for (const row of rows) take(row, bytes, offsets[row]!, offsets[row + 1]!);
    } else {
      for (const row of rows) {
        const [begin, end] = spill.range("idOffsets", "u32", row, row + 2) as unknown as [number, number];
        take(row, spill.range("ids", "u8", begin, end), 0, end - begin);
      }
    }
    return ids;
  });
}
