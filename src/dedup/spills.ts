// Which spill files there are between dedup's phases, and how a phase gathers a column over all blocks.
import { join } from "node:path";
import { Spill, withSpill } from "../formats/spill.js";
import { Bitmap } from "./bitmap.js";
import { GrowableUint32 } from "./growable.js";
import type { Limits } from "./limits.js";
import { blockOf, type NumberedBlock, type Numbering } from "./numbering.js";

export type SpillKind =
  | "signatures"
  | "ids"
  | "copies"
  | "bands"
  | "crowded"
  | "pairs"
  | "shingles"
  | "edges"
  | "decision";

export function spillPath(workDir: string, kind: SpillKind, name: string): string {
  return join(workDir, kind, `${name}.spill`);
}

export function numParts(numDocuments: number, { documentsAPart }: Limits): number {
  return Math.max(1, Math.ceil(numDocuments / documentsAPart));
}

/** Part of a hash by its upper 32 bits: uniform, and equal hashes meet. */
export function partOf(upper: number, parts: number): number {
  return Math.floor((upper * parts) / 2 ** 32);
}

/** The 64- or 128-bit hashes of one part, with their documents ascending. */
export interface GatheredHashes {
  readonly hashes: BigUint64Array;
  readonly documents: Uint32Array;
}

/** `words`: 64-bit words a row; the last one's upper half names the part. */
export function gatherHashes(
  workDir: string,
  blocks: readonly NumberedBlock[],
  column: string,
  words: 1 | 2,
  part: { readonly index: number; readonly count: number },
  isExcluded: (document: number) => boolean,
): GatheredHashes {
  const halves = new GrowableUint32();
  const documents = new GrowableUint32();
  const stride = words * 2;
  for (const { id, base, numDocuments } of blocks) {
    const values = withSpill(spillPath(workDir, "signatures", id), "signatures", (spill) =>
      spill.column(column, "u64"),
    );
    const rows = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
    for (let i = 0; i < numDocuments; i += 1) {
      if (partOf(rows[i * stride + stride - 1]!, part.count) !== part.index || isExcluded(base + i)) continue;
      for (let word = 0; word < stride; word += 1) halves.push(rows[i * stride + word]!);
      documents.push(base + i);
    }
  }
  return { hashes: halves.view64(), documents: documents.view() };
}

/** Documents in a column of each of the files. */
export function readBitmap(numDocuments: number, paths: readonly string[], kind: SpillKind, column: string): Bitmap {
  const bitmap = new Bitmap(numDocuments);
  for (const path of paths) bitmap.addAll(withSpill(path, kind, (spill) => spill.column(column, "u32")));
  return bitmap;
}

export function partNames(parts: number): string[] {
  return Array.from({ length: parts }, (_, part) => String(part).padStart(4, "0"));
}

/** Open spill files of blocks, the least recently used closed when there are too many. */
export class BlockSpills {
  static readonly #MAX_OPEN = 128;
  readonly #workDir: string;
  readonly #kind: SpillKind;
  readonly #blocks: readonly NumberedBlock[];
  readonly #open = new Map<string, Spill>();

  constructor(workDir: string, kind: SpillKind, { blocks }: Numbering) {
    this.#workDir = workDir;
    this.#kind = kind;
    this.#blocks = blocks;
  }

  of(document: number): { spill: Spill; block: NumberedBlock } {
    const block = blockOf(this.#blocks, document);
    let spill = this.#open.get(block.id);
    if (spill === undefined) {
      if (this.#open.size === BlockSpills.#MAX_OPEN) this.#closeOldest();
      spill = Spill.open(spillPath(this.#workDir, this.#kind, block.id), this.#kind);
    } else {
      this.#open.delete(block.id);
    }
    this.#open.set(block.id, spill);
    return { spill, block };
  }

  close(): void {
    while (this.#open.size > 0) this.#closeOldest();
  }

  #closeOldest(): void {
    const [id, spill] = this.#open.entries().next().value!;
    this.#open.delete(id);
    spill.close();
  }
}

/** Ids of documents anywhere in the corpus, read one at a time from the signature files. */
export class IdReader {
  readonly #spills: BlockSpills;

  constructor(workDir: string, numbering: Numbering) {
    this.#spills = new BlockSpills(workDir, "signatures", numbering);
  }

  id(document: number): Buffer {
    const { spill, block } = this.#spills.of(document);
    const row = document - block.base;
    const [begin, end] = spill.range("idOffsets", "u32", row, row + 2) as unknown as [number, number];
    const bytes = spill.range("ids", "u8", begin, end);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  close(): void {
    this.#spills.close();
  }
}
