// How each kind of table is cut into blocks. What reads a kind is loaded when there is a file of it.
import type { ReadOptions, TableBlock, TableFormat } from "../../records/block-reader.js";
import type { CorpusBytes } from "../stored-bytes.js";
import { isReadInRanges, planCsv } from "./csv-file.js";

export interface TableSlice {
  readonly start: number;
  readonly end: number;
  /** Absent for a record of CSV that is too long to be read. */
  readonly table?: TableBlock;
  /** Where a worker could not read the slice from where it stands. */
  readonly bytes?: ArrayBuffer[];
}

interface Limits {
  readonly blockBytes: number;
  readonly maxRecordBytes: number;
}

/** In the order of the file. */
export async function* tableSlices(
  file: CorpusBytes & { readonly format: TableFormat },
  options: ReadOptions,
  limits: Limits,
): AsyncIterable<TableSlice> {
  if (file.format === "parquet") {
    const { planParquet } = await import("./parquet-file.js");
    for await (const { start, end, rows } of planParquet(file, options, limits.blockBytes)) {
      yield { start, end, table: { kind: "parquet", rows } };
    }
  } else if (file.format === "arrow") {
    const { planArrow } = await import("./arrow-file.js");
    yield* planArrow(file, options, limits.blockBytes);
  } else {
    const csv = { ...file, format: file.format };
    const carried = !isReadInRanges(csv);
    for await (const { start, end, bytes, columns } of planCsv(csv, options, limits, carried)) {
      if (bytes === undefined) yield { start, end };
      else yield { start, end, table: { kind: "csv", columns }, ...(carried ? { bytes } : {}) };
    }
  }
}
