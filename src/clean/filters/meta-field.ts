// A field of a document other than its text, as text. It stands in the document's meta, or is its id or source where the
// reader took these from that very field.
import type { ReadOptions } from "../../records/block-reader.js";
import { type DocumentBlock, idOf } from "../../records/document-block.js";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export type FieldOf = (block: DocumentBlock, row: number) => string | undefined;

/** Not the id that the reader makes, `<source>#<byte offset>`, where a record has none. */
function givenId(block: DocumentBlock, row: number): string | undefined {
  const id = idOf(block, row);
  return id.endsWith(`#${block.recordOffset[row]}`) ? undefined : id;
}

/** `path` is dotted. Undefined where the document has no such field or it holds no text. */
export function fieldReader(
  path: string,
  { idField, sourceField }: Pick<ReadOptions, "idField" | "sourceField">,
): FieldOf {
  if (path === idField) return givenId;
  if (path === sourceField) return (block, row) => block.sources[block.sourceIndex[row]!];
  const names = path.split(".");
  return (block, row) => {
    const [begin, end] = [block.metaOffsets[row]!, block.metaOffsets[row + 1]!];
    let value: unknown = JSON.parse(decoder.decode(block.meta.subarray(begin, end)));
    for (const name of names) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
      value = (value as Record<string, unknown>)[name];
    }
    return typeof value === "string" ? value : undefined;
  };
}
