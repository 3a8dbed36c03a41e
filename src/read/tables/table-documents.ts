// Blocks of tables as documents: rows become lines of JSON, which are read as any other lines are. What differs is only
// where a record stands: at the place of its row.
import { invariant } from "../../base/errors.js";
import { native } from "../../native.js";
import type { BlockRef, Payload, ReadOptions, ReadPiece } from "../../records/block-reader.js";
import type { RejectedRecord } from "../../records/document-block.js";
import { faultOf } from "../encoding.js";
import { scanOptionsOf } from "../scan-options.js";
import { RowLines } from "./row-lines.js";

/** Pieces of about `pieceBytes`, in order; line numbers go on from piece to piece. */
export async function* tableDocuments(
  ref: BlockRef,
  options: ReadOptions,
  payload: Payload | undefined,
  pieceBytes: number,
): AsyncIterable<ReadPiece> {
  const rows = new RowLines();
  for await (const _ of await fillings(ref, options, payload, rows)) {
    if (rows.sizeBytes < pieceBytes) continue;
    yield scanRows(ref, options, rows);
    rows.clear();
  }
  yield scanRows(ref, options, rows);
}

/** What reads a kind of table is loaded when there is a block of it. */
async function fillings(
  ref: BlockRef,
  options: ReadOptions,
  payload: Payload | undefined,
  rows: RowLines,
): Promise<AsyncIterable<void>> {
  const { table } = ref;
  invariant(table !== undefined, `expected a block of a table, got ${ref.id}`);
  if (table.kind === "csv") return (await import("./csv-file.js")).readCsv(ref, table, options, payload, rows);
  if (table.kind === "parquet") return (await import("./parquet-file.js")).readParquet(ref, table, options, rows);
  return (await import("./arrow-file.js")).readArrow(ref, table, options, rows);
}

function scanRows(ref: BlockRef, options: ReadOptions, rows: RowLines): ReadPiece {
  const {
    rejected,
    numLines: _numLines,
    ...block
  } = native().scanJsonl(rows.join(), {
    ...scanOptionsOf(ref, options),
    baseOffset: 0,
    baseLine: 0,
    recordOffsets: Float64Array.from(rows.offsets),
  });
  const lineOf = (row: number): number => rows.lines[row - 1]!;
  const ofRows = rejected.map(({ offset, line, reason, detail }): RejectedRecord => {
    // Where the byte stands in the line that was made of the row is of no use to anybody.
    const said = faultOf(ref.encoding, reason, reason === "invalid-utf8" ? "a text of the row is not UTF-8" : detail);
    return {
      file: ref.file,
      offset,
      line: lineOf(line),
      reason: said.reason,
      ...(said.detail ? { detail: said.detail } : {}),
    };
  });
  const faults = rows.faults.map((fault): RejectedRecord => ({ file: ref.file, ...fault }));
  return {
    block: { ...block, recordLine: block.recordLine.map(lineOf) },
    rejected: [...ofRows, ...faults].sort((a, b) => a.offset - b.offset),
    numLines: rows.numLines,
    refusedBytes: rows.refusedBytes,
  };
}
