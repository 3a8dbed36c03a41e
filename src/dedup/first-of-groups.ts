// Of each group of documents with one normalised text, the first in the total order: by order key, then by hash of the text
// as it is, then by id, bytewise. Blocks are read one after another, in pieces.
import { type Spill, withSpill } from "../formats/spill.js";
import type { NumberedBlock, Numbering } from "./numbering.js";
import { spillPath } from "./spills.js";

const ROWS_A_READ = 2 ** 14;
const BYTES_A_READ = 2 ** 14;

/** `members`: documents; group g is members[offsets[g] .. offsets[g + 1]), ascending. */
export function firstOfGroups(
  workDir: string,
  { blocks }: Numbering,
  members: Uint32Array,
  offsets: Uint32Array,
): Uint32Array {
  const groupOf = new Uint32Array(members.length);
  for (let group = 0; group + 1 < offsets.length; group += 1) groupOf.fill(group, offsets[group]!, offsets[group + 1]!);
  const order = orderOf(members);
  const best = new BestMembers(offsets.length - 1);
  let next = 0;
  for (const block of blocks) {
    const end = block.base + block.numDocuments;
    if (next === order.length || members[order[next]!]! >= end) continue;
    withSpill(spillPath(workDir, "signatures", block.id), "signatures", (spill) => {
      const rows = new RowReader(spill, block);
      for (; next < order.length && members[order[next]!]! < end; next += 1) {
        const at = order[next]!;
        best.offer(groupOf[at]!, members[at]!, rows);
      }
    });
  }
  return best.documents;
}

/** Places of the documents, by document. */
function orderOf(documents: Uint32Array): Uint32Array {
  const keys = new BigUint64Array(documents.length);
  const halves = new Uint32Array(keys.buffer);
  for (let i = 0; i < documents.length; i += 1) {
    halves[2 * i] = i;
    halves[2 * i + 1] = documents[i]!;
  }
  keys.sort();
  return halves.filter((_, i) => i % 2 === 0);
}

/** The rows of one block, asked for in ascending order. */
class RowReader {
  readonly #spill: Spill;
  readonly #block: NumberedBlock;
  #firstRow = 0;
  #endRow = 0;
  /** Four words a row: order key and text hash, low before high. */
  #words: Uint32Array = new Uint32Array(0);
  #idOffsets: Uint32Array = new Uint32Array(1);
  #idBytes: Uint8Array = new Uint8Array(0);
  #idStart = 0;

  constructor(spill: Spill, block: NumberedBlock) {
    this.#spill = spill;
    this.#block = block;
  }

  /** Copies order key and text hash of a document, upper words first, so that they compare as they stand. */
  readKeys(document: number, into: Uint32Array, at: number): void {
    const row = this.#load(document);
    into[at] = this.#words[2 * row + 1]!;
    into[at + 1] = this.#words[2 * row]!;
    const textHash = 2 * (this.#endRow - this.#firstRow + row);
    into[at + 2] = this.#words[textHash + 1]!;
    into[at + 3] = this.#words[textHash]!;
  }

  /** Valid until the next call. */
  id(document: number): Uint8Array {
    const row = this.#load(document);
    const [begin, end] = [this.#idOffsets[row]!, this.#idOffsets[row + 1]!];
    if (begin < this.#idStart || end > this.#idStart + this.#idBytes.length) {
      const length = Math.min(Math.max(BYTES_A_READ, end - begin), this.#spill.length("ids") - begin);
      this.#idBytes = this.#spill.range("ids", "u8", begin, begin + length);
      this.#idStart = begin;
    }
    return this.#idBytes.subarray(begin - this.#idStart, end - this.#idStart);
  }

  /** Index of the document's row among those in memory. */
  #load(document: number): number {
    const row = document - this.#block.base;
    if (row >= this.#endRow) {
      const count = Math.min(ROWS_A_READ, this.#block.numDocuments - row);
      this.#firstRow = row;
      this.#endRow = row + count;
      const words = new BigUint64Array(2 * count);
      this.#spill.readInto("orderKeys", row, words.subarray(0, count));
      this.#spill.readInto("textHashes", row, words.subarray(count));
      this.#words = new Uint32Array(words.buffer);
      this.#idOffsets = this.#spill.range("idOffsets", "u32", row, row + count + 1);
    }
    return row - this.#firstRow;
  }
}

/** The first of each group so far. */
class BestMembers {
  static readonly #WORDS = 4;
  readonly documents: Uint32Array;
  readonly #isFilled: Uint8Array;
  readonly #keys: Uint32Array;
  readonly #offered = new Uint32Array(BestMembers.#WORDS);
  /** Ids of the first of each group, one after another as they came. */
  #ids = new Uint8Array(2 ** 12);
  #filled = 0;
  readonly #idStarts: Float64Array;
  readonly #idLengths: Uint32Array;

  constructor(numGroups: number) {
    this.documents = new Uint32Array(numGroups);
    this.#isFilled = new Uint8Array(numGroups);
    this.#keys = new Uint32Array(numGroups * BestMembers.#WORDS);
    this.#idStarts = new Float64Array(numGroups);
    this.#idLengths = new Uint32Array(numGroups);
  }

  offer(group: number, document: number, rows: RowReader): void {
    rows.readKeys(document, this.#offered, 0);
    if (this.#isFilled[group] === 1) {
      const order = this.#compareKeys(group);
      if (order > 0 || (order === 0 && Buffer.compare(rows.id(document), this.#idOf(group)) >= 0)) return;
    }
    this.#isFilled[group] = 1;
    this.documents[group] = document;
    this.#keys.set(this.#offered, group * BestMembers.#WORDS);
    this.#keepId(group, rows.id(document));
  }

  #compareKeys(group: number): number {
    for (let word = 0; word < BestMembers.#WORDS; word += 1) {
      const difference = this.#offered[word]! - this.#keys[group * BestMembers.#WORDS + word]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #idOf(group: number): Uint8Array {
    const start = this.#idStarts[group]!;
    return this.#ids.subarray(start, start + this.#idLengths[group]!);
  }

  #keepId(group: number, id: Uint8Array): void {
    if (this.#filled + id.length > this.#ids.length) {
      const larger = new Uint8Array(Math.max(this.#ids.length * 2, this.#filled + id.length));
      larger.set(this.#ids.subarray(0, this.#filled));
      this.#ids = larger;
    }
    this.#ids.set(id, this.#filled);
    this.#idStarts[group] = this.#filled;
    this.#idLengths[group] = id.length;
    this.#filled += id.length;
  }
}
