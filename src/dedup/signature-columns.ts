// The columns of one block on their way to its signature file, a piece of the block at a time.
import type { Column, SpillWriter } from "../formats/spill.js";
import type { SignedLines } from "../native/dedup.js";
import { fromDoubles } from "./halves.js";
import { fillOrderKeys, type Policy } from "./policy.js";

/** Rows of a piece, and what kept.jsonl will hold of each. */
export interface SignedPiece extends Omit<SignedLines, "rejected" | "numLines"> {
  /** With the line end. */
  readonly lineBytes: Uint32Array;
}

export class SignatureColumns {
  readonly #writer: SpillWriter;
  readonly #policy: Policy;
  readonly #numBands: number;
  /** Number of the block in the input. */
  readonly #block: number;
  readonly #sources = new Map<string, number>();
  #idBytes = 0;
  #isEmpty = true;
  numRows = 0;

  constructor(writer: SpillWriter, policy: Policy, numBands: number, block: number) {
    this.#writer = writer;
    this.#policy = policy;
    this.#numBands = numBands;
    this.#block = block;
  }

  async append(piece: SignedPiece): Promise<void> {
    const { numDocuments, bandKeys } = piece;
    // The first piece makes the columns, even when it holds no document.
    if (numDocuments === 0 && !this.#isEmpty) return;
    const orderKeys = new BigUint64Array(numDocuments);
    fillOrderKeys(this.#policy, { ...piece, block: this.#block, firstRow: this.numRows }, orderKeys);
    const names = piece.sources.map((name) => this.#sourceOf(name));
    const columns: Record<string, Column> = {
      contentHashes: piece.contentHashes,
      textHashes: piece.textHashes,
      normalizedBytes: piece.normalizedBytes,
      orderKeys,
      lineBytes: piece.lineBytes,
      recordOffsets: fromDoubles(piece.recordOffset),
      recordLengths: piece.recordLength,
      idHashes: piece.idHashes,
      // One element more than there are rows: the first piece alone begins with its 0.
      idOffsets: piece.idOffsets.subarray(this.#isEmpty ? 0 : 1).map((offset) => this.#idBytes + offset),
      ids: piece.id,
      sourceIndex: piece.sourceIndex.map((index) => names[index]!),
      sketches: piece.sketches,
    };
    for (let band = 0; band < this.#numBands; band += 1) {
      columns[`band-${band}`] = bandKeys.subarray(band * numDocuments, (band + 1) * numDocuments);
    }
    await this.#writer.append(columns);
    this.#isEmpty = false;
    this.#idBytes += piece.id.length;
    this.numRows += numDocuments;
  }

  async finish(): Promise<void> {
    const names = new TextEncoder().encode(JSON.stringify([...this.#sources.keys()]));
    await this.#writer.append({ sources: names });
  }

  #sourceOf(name: string): number {
    let index = this.#sources.get(name);
    if (index === undefined) {
      index = this.#sources.size;
      this.#sources.set(name, index);
    }
    return index;
  }
}
