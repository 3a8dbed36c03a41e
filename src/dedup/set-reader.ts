// The shingle sets of candidates, wherever in the corpus: first where they lie and how they are ordered, for many documents
// at once and block after block, then the sets themselves, one at a time and straight to where they are needed.
import { type Spill, withSpill } from "../formats/spill.js";
import type { Numbering } from "./numbering.js";
import { BlockSpills, spillPath } from "./spills.js";

/** Words of a place in the total order: order key, then content hash (its low word first), each upper half first. */
export const KEY_WORDS = 6;

/** Columns by place among the documents asked for. */
export interface SetPlaces {
  readonly documents: Uint32Array;
  /** Place of the block in the numbering. */
  readonly blocks: Uint32Array;
  /** Of the set in the block's file, in elements. */
  readonly offsets: Uint32Array;
  readonly sizes: Uint32Array;
  /** KEY_WORDS each. */
  readonly keys: Uint32Array;
}

/** `documents`: candidates, ascending, each once. */
export function findSets(workDir: string, { blocks }: Numbering, documents: Uint32Array): SetPlaces {
  const places = {
    documents,
    blocks: new Uint32Array(documents.length),
    offsets: new Uint32Array(documents.length),
    sizes: new Uint32Array(documents.length),
    keys: new Uint32Array(documents.length * KEY_WORDS),
  };
  let next = 0;
  for (let index = 0; index < blocks.length && next < documents.length; index += 1) {
    const { id, base, numDocuments } = blocks[index]!;
    if (documents[next]! >= base + numDocuments) continue;
    withSpill(spillPath(workDir, "shingles", id), "shingles", (spill) => {
      for (const rows of shingledRows(spill)) {
        for (let row = 0; row < rows.documents.length && next < documents.length; row += 1) {
          if (rows.documents[row] !== documents[next]) continue;
          places.blocks[next] = index;
          places.offsets[next] = rows.offsets[row]!;
          places.sizes[next] = rows.offsets[row + 1]! - rows.offsets[row]!;
          copyKey(rows, row, places.keys, next);
          next += 1;
        }
      }
    });
  }
  return places;
}

/** Rows of a file of shingle sets. */
export interface ShingledRows {
  readonly documents: Uint32Array;
  /** One more than there are documents. */
  readonly offsets: Uint32Array;
  /** 64-bit words as halves, low before high: one a row and two a row. */
  readonly orderKeys: Uint32Array;
  readonly contentHashes: Uint32Array;
}

const ROWS_A_READ = 2 ** 15;

/** All rows but the sets, some at a time. */
export function* shingledRows(spill: Spill): Generator<ShingledRows> {
  const numRows = spill.length("documents");
  for (let begin = 0; begin < numRows; begin += ROWS_A_READ) {
    const end = Math.min(begin + ROWS_A_READ, numRows);
    const halves = (values: BigUint64Array): Uint32Array => new Uint32Array(values.buffer);
    yield {
      documents: spill.range("documents", "u32", begin, end),
      offsets: spill.range("offsets", "u32", begin, end + 1),
      orderKeys: halves(spill.range("orderKeys", "u64", begin, end)),
      contentHashes: halves(spill.range("contentHashes", "u64", 2 * begin, 2 * end)),
    };
  }
}

/** The key of a row, so that keys compare word by word. */
export function copyKey(rows: ShingledRows, row: number, into: Uint32Array, place: number): void {
  const at = place * KEY_WORDS;
  into[at] = rows.orderKeys[2 * row + 1]!;
  into[at + 1] = rows.orderKeys[2 * row]!;
  into[at + 2] = rows.contentHashes[4 * row + 1]!;
  into[at + 3] = rows.contentHashes[4 * row]!;
  into[at + 4] = rows.contentHashes[4 * row + 3]!;
  into[at + 5] = rows.contentHashes[4 * row + 2]!;
}

/** Below 0 when the key at place `a` of `keysA` comes before that at `b` of `keysB`; 0 for one and the same document alone. */
export function compareKeys(keysA: Uint32Array, a: number, keysB: Uint32Array, b: number): number {
  for (let word = 0; word < KEY_WORDS; word += 1) {
    const difference = keysA[a * KEY_WORDS + word]! - keysB[b * KEY_WORDS + word]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Reads sets from where findSets says they are. Close it. */
export class SetReader {
  readonly #spills: BlockSpills;

  constructor(workDir: string, numbering: Numbering) {
    this.#spills = new BlockSpills(workDir, "shingles", numbering);
  }

  /** Fills `target`, which is as long as the set. */
  readInto(block: number, offset: number, target: BigUint64Array): void {
    this.#spills.at(block).readInto("hashes", offset, target);
  }

  close(): void {
    this.#spills.close();
  }
}
