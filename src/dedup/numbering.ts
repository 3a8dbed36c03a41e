// Documents are numbered by input order: block after block, row after row. Everything between the phases speaks of numbers.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import { invalid } from "../base/errors.js";
import { inputOfBlock } from "../formats/corpus.js";
import type { FileRef, PhaseContext } from "../records/stage.js";
import type { DedupConfig } from "./config.js";

export interface NumberedBlock {
  /** BlockRef.id */
  readonly id: string;
  /** Number of its first document. */
  readonly base: number;
  readonly numDocuments: number;
  /** Lines of the same file before this block. */
  readonly baseLine: number;
  /** Records that are no documents. */
  readonly numMalformed: number;
}

export interface Numbering {
  readonly blocks: readonly NumberedBlock[];
  readonly numDocuments: number;
}

/** What the task that signs a block tells later phases. */
export type SignedBlock = {
  readonly id: string;
  readonly numDocuments: number;
  readonly numLines: number;
  readonly numMalformed: number;
};

const MAX_DOCUMENTS = 2 ** 32 - 1;

export function numberingOf(context: PhaseContext<DedupConfig>): Numbering {
  let base = 0;
  let baseLine = 0;
  let input = "";
  const blocks = context.results("signatures").map(({ data }) => {
    const { id, numDocuments, numLines, numMalformed } = data as SignedBlock;
    // By the input, not its file: the same file may be named twice.
    if (inputOfBlock(id) !== input) baseLine = 0;
    input = inputOfBlock(id);
    const block: NumberedBlock = { id, base, numDocuments, baseLine, numMalformed };
    base += numDocuments;
    baseLine += numLines;
    return block;
  });
  if (base > MAX_DOCUMENTS) {
    throw invalid("too-many-documents", `expected at most ${MAX_DOCUMENTS} documents for one dedup, got ${base}`);
  }
  return { blocks, numDocuments: base };
}

/** For tasks of many blocks: handing each the list of all would grow with the square of their number. */
export async function writeNumbering(workDir: string, numbering: Numbering): Promise<FileRef> {
  return writeFileAtomic(numberingPath(workDir), JSON.stringify(numbering));
}

export async function readNumbering(workDir: string): Promise<Numbering> {
  return JSON.parse(await readFile(numberingPath(workDir), "utf8")) as Numbering;
}

function numberingPath(workDir: string): string {
  return join(workDir, "numbering.json");
}

/** The block that holds a document. */
export function blockOf(blocks: readonly NumberedBlock[], document: number): NumberedBlock {
  let low = 0;
  let high = blocks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (blocks[middle]!.base <= document) low = middle;
    else high = middle - 1;
  }
  return blocks[low]!;
}
