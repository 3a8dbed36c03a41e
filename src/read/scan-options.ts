// What the native scan of a block's lines looks for, whether they stand in a file or are made of the rows of a table.
import type { ScanOptions } from "../native/read.js";
import type { BlockRef, ReadOptions } from "../records/block-reader.js";

/** Where the lines stand is the caller's to say. */
export function scanOptionsOf(
  { source }: BlockRef,
  options: ReadOptions,
): Omit<ScanOptions, "baseOffset" | "baseLine"> {
  const { textField, idField, sourceField, maxDocumentBytes } = options;
  return { textField, idField, sourceField, scoreField: "", maxDocumentBytes, source };
}
