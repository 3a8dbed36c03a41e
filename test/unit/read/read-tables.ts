// One table read through planning and reading, for the tests of what becomes of its rows.
import { digestFile } from "#src/base/digest.js";
import { DEFAULT_READ_OPTIONS } from "#src/formats/corpus.js";
import { createBlockReader } from "#src/read/index.js";
import type { ReadOptions, ReadPiece } from "#src/records/block-reader.js";
import { documentOf } from "#src/records/document-block.js";

export const WIDE = { blockBytes: 2 ** 20, maxRecordBytes: 2 ** 20 };

export interface FoundRows {
  readonly documents: {
    readonly id: string;
    readonly text: string;
    readonly source: string;
    /** The other members, as they stand. */
    readonly meta: string;
    readonly offset: number;
    readonly line: number;
  }[];
  readonly rejected: {
    readonly offset: number;
    readonly line: number;
    readonly reason: string;
    readonly detail: string | undefined;
  }[];
  readonly numBlocks: number;
  readonly numPieces: number;
  readonly error?: unknown;
}

export interface ReadChoices {
  readonly options?: Partial<ReadOptions>;
  readonly limits?: { readonly blockBytes: number; readonly maxRecordBytes: number; readonly pieceBytes?: number };
  /** Blocks are read at once, not in pieces. */
  readonly whole?: boolean;
  /** Every block is read without the bytes that planning carried along. */
  readonly again?: boolean;
}

export async function readTable(path: string, choices: ReadChoices = {}): Promise<FoundRows> {
  const { limits = WIDE, whole = false, again = false } = choices;
  const options = { ...DEFAULT_READ_OPTIONS, ...choices.options };
  const reader = createBlockReader(limits);
  const found: Omit<FoundRows, "numBlocks" | "numPieces"> = { documents: [], rejected: [] };
  let [linesBefore, numBlocks, numPieces] = [0, 0, 0];
  const take = ({ block, rejected }: ReadPiece): void => {
    numPieces += 1;
    for (let row = 0; row < block.numDocuments; row += 1) {
      const { id, text, source } = documentOf(block, row);
      const meta = Buffer.from(block.meta.subarray(block.metaOffsets[row]!, block.metaOffsets[row + 1]!)).toString();
      const [offset, line] = [block.recordOffset[row]!, block.recordLine[row]! + linesBefore];
      found.documents.push({ id, text, source, meta, offset, line });
    }
    for (const { offset, line, reason, detail } of rejected) {
      found.rejected.push({ offset, line: line + linesBefore, reason, detail });
    }
  };
  try {
    for await (const { ref, payload } of reader.plan([{ path, ...(await digestFile(path)) }], options, () => again)) {
      numBlocks += 1;
      let numLines = 0;
      if (whole) {
        const block = await reader.read(ref, options, payload);
        take(block);
        numLines = block.numLines;
      } else {
        for await (const piece of reader.documents(ref, options, payload)) {
          take(piece);
          numLines += piece.numLines;
        }
      }
      linesBefore += numLines;
    }
  } catch (error) {
    return { ...found, numBlocks, numPieces, error };
  }
  return { ...found, numBlocks, numPieces };
}
