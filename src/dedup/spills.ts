// Which spill files there are between dedup's phases, and how a phase gathers columns over all blocks.
import { join } from "node:path";
import { Spill, withSpill } from "../formats/spill.js";
import type { DedupEngine } from "../text/engine.js";
import { Bitmap } from "./bitmap.js";
import type { NumberedBlock, Numbering } from "./numbering.js";
import type { Scratch } from "./scratch.js";

export type SpillKind =
  | "signatures"
  | "ids"
  | "copies"
  | "bands"
  | "crowded"
  | "pairs"
  | "sample"
  | "shingles"
  | "edges"
  | "runs"
  | "decision";

/** Rows of a column that are read at a time. */
const ROWS_A_READ = 2 ** 16;

export function spillPath(workDir: string, kind: SpillKind, name: string): string {
  return join(workDir, kind, `${name}.spill`);
}

export function numParts(numDocuments: number, documentsAPart: number): number {
  return Math.max(1, Math.ceil(numDocuments / documentsAPart));
}

export function partNames(parts: number): string[] {
  return Array.from({ length: parts }, (_, part) => String(part).padStart(4, "0"));
}

/** The 64- or 128-bit hashes of one part, with their documents ascending. Valid until the scratch is used again. */
export interface GatheredHashes {
  readonly hashes: BigUint64Array;
  readonly documents: Uint32Array;
}

export interface GatherOptions {
  readonly columns: readonly string[];
  /** 64-bit words a row; the last one's upper half names the part. */
  readonly words: 1 | 2;
  readonly part: number;
  readonly parts: number;
  readonly excluded: Bitmap | undefined;
}

/** Gathers rows of a part of each of the columns, reading every block's file once; use the results one after another. */
export function gatherHashes(
  workDir: string,
  { blocks, numDocuments }: Numbering,
  options: GatherOptions,
  engine: DedupEngine,
  scratch: Scratch,
): GatheredHashes[] {
  const { columns, words, part, parts, excluded } = options;
  const none = new Uint8Array(0);
  const chunk = scratch.u64("column", ROWS_A_READ * words);
  // All columns side by side in one array, each with its own room.
  const room = parts === 1 ? numDocuments : Math.min(numDocuments, partRoom(numDocuments / parts));
  const hashes = scratch.u64("hashes", room * words * columns.length);
  const documents = scratch.u32("documents", room * columns.length);
  const results = columns.map((_, i) => ({
    hashes: hashes.subarray(i * room * words, (i + 1) * room * words),
    documents: documents.subarray(i * room, (i + 1) * room),
    filled: 0,
  }));
  for (const { id, base, numDocuments: numRows } of blocks) {
    if (numRows === 0) continue;
    withSpill(spillPath(workDir, "signatures", id), "signatures", (spill) => {
      for (const [i, column] of columns.entries()) {
        const result = results[i]!;
        for (let row = 0; row < numRows; row += ROWS_A_READ) {
          const count = Math.min(ROWS_A_READ, numRows - row);
          if (result.filled + count > result.documents.length) {
            result.hashes = longer(result.hashes, (result.filled + count) * words);
            result.documents = longer(result.documents, result.filled + count);
          }
          const rows = spill.readInto(column, row * words, chunk.subarray(0, count * words));
          const bits = excluded?.bits ?? none;
          const out = [result.hashes, result.documents, result.filled] as const;
          result.filled = engine.selectPart(rows, words, part, parts, base + row, bits, ...out);
        }
      }
    });
  }
  return results.map(({ hashes, documents, filled }) => ({
    hashes: hashes.subarray(0, filled * words),
    documents: documents.subarray(0, filled),
  }));
}

/** Rows of a part of uniform hashes: more than its mean by ten standard deviations, and a whole read beyond that. */
function partRoom(mean: number): number {
  return Math.ceil(mean + 10 * Math.sqrt(mean)) + ROWS_A_READ;
}

function longer<A extends BigUint64Array | Uint32Array>(array: A, length: number): A {
  const type = array.constructor as new (length: number) => A;
  const result = new type(Math.ceil(length * 1.25));
  result.set(array as never);
  return result;
}

/** Documents in a column of each of the files. */
export function readBitmap(numDocuments: number, paths: readonly string[], kind: SpillKind, column: string): Bitmap {
  const bitmap = new Bitmap(numDocuments);
  for (const path of paths) bitmap.addAll(withSpill(path, kind, (spill) => spill.column(column, "u32")));
  return bitmap;
}

/** Documents that are no representatives: repeated ids and copies. */
export function readExcluded(workDir: string, numDocuments: number, parts: number): Bitmap {
  const paths = (kind: SpillKind): string[] => partNames(parts).map((name) => spillPath(workDir, kind, name));
  const repeated = readBitmap(numDocuments, paths("ids"), "ids", "documents");
  return repeated.merge(readBitmap(numDocuments, paths("copies"), "copies", "documents").bits);
}

/** Open spill files of blocks, the least recently used closed when there are too many. */
export class BlockSpills {
  static readonly #MAX_OPEN = 128;
  readonly #workDir: string;
  readonly #kind: SpillKind;
  readonly #blocks: readonly NumberedBlock[];
  readonly #open = new Map<number, Spill>();

  constructor(workDir: string, kind: SpillKind, { blocks }: Numbering) {
    this.#workDir = workDir;
    this.#kind = kind;
    this.#blocks = blocks;
  }

  /** Of a block by its place in the numbering. */
  at(index: number): Spill {
    let spill = this.#open.get(index);
    if (spill === undefined) {
      if (this.#open.size === BlockSpills.#MAX_OPEN) this.#closeOldest();
      spill = Spill.open(spillPath(this.#workDir, this.#kind, this.#blocks[index]!.id), this.#kind);
    } else {
      this.#open.delete(index);
    }
    this.#open.set(index, spill);
    return spill;
  }

  close(): void {
    while (this.#open.size > 0) this.#closeOldest();
  }

  #closeOldest(): void {
    const [index, spill] = this.#open.entries().next().value!;
    this.#open.delete(index);
    spill.close();
  }
}
